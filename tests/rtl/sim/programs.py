# SPDX-License-Identifier: Apache-2.0
"""Programs and devices for tests of the simulators, on the smallest hardware."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accel.codec import Instruction, encode
from accel.config import load_config
from accel.layout import tensor_layout
from accel.program import Binding, Layer, Program, Window
from codegen import ir
from codegen.pipeline import lower
from sim.session import memory_bytes
from tests.unit.codegen.graphs import Builder
from tests.unit.codegen.running import expected, to_host

Int8Arrays = list[npt.NDArray[np.int8]]
TINY = load_config("tiny")
SHAPE = (1, 8, 8, 8)
INPUTS_BASE, OUTPUTS_BASE = 4096, 8192
"""Where the driver puts the windows of `copy_case`, which has one page of constants."""


@dataclass(frozen=True, slots=True)
class Case:
    """A program, its inputs, and what it must give."""

    program: Program
    inputs: Int8Arrays
    outputs: Int8Arrays

    @property
    def memory_bytes(self) -> int:
        """Memory it needs."""
        return memory_bytes([self.program])


def copy_case() -> Case:
    """LOAD a tensor to the activation SRAM, STORE it elsewhere: written by hand."""
    layout = tensor_layout(SHAPE, TINY)
    walk = {
        "offset": 0,
        "sram_addr": 0,
        "row_bytes": layout.size,
        "rows": 1,
        "row_stride": 0,
        "sram_row_stride": 0,
        "planes": 1,
        "plane_stride": 0,
        "sram_plane_stride": 0,
    }
    commands = [
        Instruction("LOAD", {"id": 0, "sram": 0, "window": Window.INPUTS, **walk}),
        Instruction("STORE", {"id": 1, "wait_load": 1, "window": Window.OUTPUTS, **walk}),
        Instruction("END", {"id": 2, "wait_load": 1, "wait_store": 1}),
    ]
    binding = Binding("x", 0, layout, SHAPE, (0, 1, 2, 3))
    program = Program(
        name="copy",
        config_digest=TINY.digest(),
        words=np.stack([encode(command) for command in commands]),
        layer_of=(0, 0, -1),
        layers=(Layer("copy_0", "copy", "Copy", 0),),
        constants=np.zeros(INPUTS_BASE, np.uint8),
        inputs=(binding,),
        outputs=(binding,),
        input_bytes=layout.size,
        output_bytes=layout.size,
        scratch_bytes=0,
    )
    data = np.random.default_rng(1).integers(-128, 128, SHAPE, np.int8)
    return Case(program, [data], [data])


def network_case() -> Case:
    """Three layers, compiled: convolution, convolution with residual, max pool."""
    same = ir.Window2d((3, 3), padding=(1, 1, 1, 1))
    builder = Builder(7)
    x = builder.input(SHAPE, 3)
    y = builder.conv(x, 8, same)
    z = builder.conv(y, 8, same, residual=y)
    builder.pool(z, ir.PoolKind.MAX, ir.Window2d((2, 2), (2, 2)))
    graph, data = builder.graph(), builder.data()
    return Case(
        lower(graph, TINY),
        [to_host(data[port.tensor], port) for port in graph.inputs],
        list(expected(graph, data).values()),
    )
