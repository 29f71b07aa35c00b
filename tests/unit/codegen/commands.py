# SPDX-License-Identifier: Apache-2.0
"""Hand-written commands for tests of the scheduling passes, in `graphs.DEFAULT`."""

from __future__ import annotations

from accel.codec import Instruction
from accel.isa import BY_NAME, Sram
from accel.program import Window
from codegen.stream import Step


def step(layer: int, instruction: Instruction) -> Step:
    """A step; the layer doubles as its name."""
    return Step(instruction, layer)


def fill(name: str, **values: int) -> Instruction:
    """A command with all other fields 0."""
    return Instruction(name, {field.name: 0 for field in BY_NAME[name].fields} | values)


def load(sram: str, address: int, size: int) -> Instruction:
    """Copy `size` bytes from scratch memory at 0 to an SRAM."""
    return fill("LOAD", sram=Sram[sram], **_transfer(address, size))


def store(address: int, size: int) -> Instruction:
    """Copy `size` bytes from the activation SRAM to scratch memory at 0."""
    return fill("STORE", **_transfer(address, size))


def _transfer(address: int, size: int) -> dict[str, int]:
    shape = {"row_bytes": size, "rows": 1, "planes": 1, "sram_addr": address}
    return shape | {"window": Window.SCRATCH}


def conv(**values: int) -> Instruction:
    """One pixel, 16 channels to 16: reads and writes 16 bytes, 256 bytes of weights."""
    sizes = ("in_h", "in_w", "kernel_h", "kernel_w", "stride_y", "stride_x", "dilation_y")
    ones = dict.fromkeys((*sizes, "dilation_x", "cin_blocks", "n_blocks", "out_h", "out_w"), 1)
    return fill("CONV", **(ones | {"first": 1, "last": 1} | values))


def add(**values: int) -> Instruction:
    """One pixel, 16 channels."""
    return fill("ADD", **({"blocks": 1, "out_h": 1, "out_w": 1, "shift": 1} | values))
