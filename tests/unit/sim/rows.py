# SPDX-License-Identifier: Apache-2.0
"""A small program and what a device observed of it, for the tests of the reports."""

from __future__ import annotations

import numpy as np

from accel.codec import Instruction, encode
from accel.device import Profile
from accel.isa import BY_NAME, ArrayCycle
from accel.program import Layer, Program

LAYERS = (Layer("conv_0", "conv", "Conv_a", 1280), Layer("pool_1", "pool", "Pool_b", 0))
LAYER_OF = (0, 0, 0, 1, 1, -1)


def instruction(name: str, **values: int) -> Instruction:
    """A command whose other fields are 1."""
    fields = {field.name: min(1, field.range[1]) for field in BY_NAME[name].fields}
    return Instruction(name, fields | values)


COMMANDS = (
    instruction("LOAD", planes=2, rows=3, row_bytes=64),
    instruction("CONV"),
    instruction("CONV"),
    instruction("POOL"),
    instruction("STORE", rows=4, row_bytes=16),
    instruction("END"),
)


def cycles(**causes: int) -> tuple[int, ...]:
    """Cycles by `ArrayCycle`."""
    return tuple(causes.get(cause.name.lower(), 0) for cause in ArrayCycle)


PROFILE = Profile(
    commands=(),
    array_cycles={
        1: cycles(busy=6, weight=2),
        2: cycles(busy=4, dep_load=8),
        3: cycles(dep_vector=3, command=2),
        5: cycles(drain=7),
    },
)


def program() -> Program:
    """A load and two convolutions of one layer, a pool and its store, END."""
    return Program(
        name="region",
        config_digest="",
        words=np.stack([encode(command) for command in COMMANDS]),
        layer_of=LAYER_OF,
        layers=LAYERS,
        constants=np.zeros(0, np.uint8),
        inputs=(),
        outputs=(),
        input_bytes=0,
        output_bytes=0,
        scratch_bytes=0,
    )
