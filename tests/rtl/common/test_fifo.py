# SPDX-License-Identifier: Apache-2.0
"""tessera_fifo against a deque."""

from __future__ import annotations

import random
from collections import deque
from pathlib import Path

import cocotb
import pytest
from cocotb.triggers import FallingEdge, RisingEdge

from tests.rtl.bench import run_cocotb
from tests.rtl.clocked import Dut, start, value

HARNESS = Path(__file__).parent / "fifo_harness.sv"
CYCLES = 3000


@pytest.mark.parametrize(("depth", "seed"), [(2, 1), (4, 2), (16, 3)])
def test_fifo(depth: int, seed: int) -> None:
    run_cocotb("fifo_harness", __name__, {"Depth": depth}, sources=[HARNESS], seed=seed)


async def _run(dut: Dut, offer: float, take: float) -> int:
    """Drive for CYCLES with these probabilities; returns the beats that passed."""
    depth = value(dut.Depth)
    await start(dut)
    held: deque[int] = deque()
    passed = 0
    offered = False
    for _ in range(CYCLES):
        if not offered and random.random() < offer:
            offered = True
            dut.data_i.value = random.randrange(1 << 16)
        dut.valid_i.value = offered
        ready = random.random() < take
        dut.ready_i.value = ready
        await RisingEdge(dut.clk_i)  # values before the edge
        assert value(dut.count_o) == len(held)
        assert value(dut.ready_o) == (len(held) < depth)
        assert value(dut.valid_o) == bool(held)
        if held:
            assert value(dut.data_o) == held[0]
        has_room = len(held) < depth
        if held and ready:
            held.popleft()
            passed += 1
        if offered and has_room:
            held.append(value(dut.data_i))
            offered = False
        await FallingEdge(dut.clk_i)
    return passed


@cocotb.test()
async def random_traffic(dut: Dut) -> None:
    assert await _run(dut, 0.6, 0.5) > CYCLES // 3


@cocotb.test()
async def mostly_full(dut: Dut) -> None:
    await _run(dut, 0.95, 0.3)


@cocotb.test()
async def one_beat_per_cycle(dut: Dut) -> None:
    assert await _run(dut, 1.0, 1.0) == CYCLES - 1
