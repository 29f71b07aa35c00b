# SPDX-License-Identifier: Apache-2.0
"""First layers and depthwise layers on RTL: every bit, and the cycles that their modes are for."""

from __future__ import annotations

import pytest

from accel.config import load_config
from accel.driver import Driver
from codegen import ir
from codegen.pipeline import lower
from sim.backends.open_device import open_device
from sim.memory import parse_memory
from tests.unit.codegen.graphs import Builder
from tests.unit.codegen.running import expected, to_host


def window(kernel: tuple[int, int], stride: int = 1, pad: int = 0) -> ir.Window2d:
    return ir.Window2d(kernel, (stride, stride), (pad,) * 4)


CASES = {
    # input [N, H, W, C], output channels, window, groups, cycles at 16 x 16
    "7x7x3": ((1, 32, 32, 3), 16, window((7, 7), 2, 3), 1, 3_450),
    "10x4x1": ((1, 49, 10, 1), 64, ir.Window2d((10, 4), (2, 2), (4, 1, 5, 1)), 1, 2_250),
    "11x11x3": ((1, 35, 35, 3), 20, window((11, 11), 4, 2), 1, 4_050),
    "5x5x1": ((2, 15, 13, 1), 7, window((5, 5), 1, 2), 1, 1_380),
    "3x3x8": ((1, 20, 20, 8), 16, window((3, 3), 1, 1), 1, 2_720),
    "2x2x5": ((1, 9, 21, 5), 9, window((2, 2), 3, 1), 1, 370),
    "depthwise 3x3": ((1, 24, 24, 32), 32, window((3, 3), 1, 1), 32, 3_100),
    "depthwise 3x3/2": ((2, 24, 24, 20), 20, window((3, 3), 2, 1), 20, 3_750),
    "depthwise 5x5": ((1, 14, 14, 40), 40, window((5, 5), 1, 2), 40, 2_450),
    "depthwise 5x5/2": ((1, 15, 17, 16), 16, window((5, 5), 2, 2), 16, 730),
    "depthwise 1x9": ((1, 6, 40, 16), 16, ir.Window2d((1, 9), padding=(0, 4, 0, 4)), 16, 1_020),
}
"""Cycles include loading the input and storing the output."""


@pytest.mark.parametrize("config_name", ["default", "small", "tiny"])
@pytest.mark.parametrize("case", CASES)
def test_layer_is_exact_and_fast(case: str, config_name: str) -> None:
    shape, channels, view, groups, cycles = CASES[case]
    config = load_config(config_name)
    builder = Builder(7)
    builder.conv(builder.input(shape, 11), channels, view, groups)
    graph, data = builder.graph(), builder.data()
    program = lower(graph, config)
    hosts = [to_host(data[port.tensor], port) for port in graph.inputs]
    for memory in ("default", "random,seed=5"):
        with open_device(
            "verilator", config, memory_model=parse_memory(memory), checks=True
        ) as device:
            outcome = Driver(device, config).run(program, hosts)
        want = expected(graph, data)[graph.outputs[0].tensor]
        assert (outcome.outputs[0] == want).all()
        if memory == "default" and config_name == "default":
            assert outcome.counters.cycles <= cycles
