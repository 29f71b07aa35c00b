# SPDX-License-Identifier: Apache-2.0
"""tessera_requantize against `accel.numerics.requantize`: random values and corners."""

from __future__ import annotations

import random
from pathlib import Path

import cocotb
import numpy as np
import pytest
from cocotb.triggers import FallingEdge, ReadOnly

from accel.isa import Rounding
from accel.numerics import requantize
from tests.rtl.bench import run_cocotb
from tests.rtl.clocked import Dut, join, split, start, value

HARNESS = Path(__file__).parent / "requantize_harness.sv"
VECTORS = 1500
LATENCY = 3

INT32 = (-(2**31), -(2**31) + 1, -1, 0, 1, 2**30, 2**31 - 1)
MULTIPLIERS = (0, 1, 2, 2**30, 2**30 + 1, 2**31 - 1)
SHIFTS = (1, 2, 30, 31, 32, 61, 62)


@pytest.mark.parametrize("seed", [1, 2])
def test_requantize(seed: int) -> None:
    run_cocotb("requantize_harness", __name__, sources=[HARNESS], seed=seed)


def _int32() -> int:
    if random.random() < 0.3:
        return random.choice(INT32)
    bits = random.randint(1, 32)  # all magnitudes, not only huge ones
    return random.randrange(-(1 << bits - 1), 1 << bits - 1)


def _multiplier() -> int:
    return random.choice(MULTIPLIERS) if random.random() < 0.3 else random.randrange(2**31)


def _shift() -> int:
    return random.choice(SHIFTS) if random.random() < 0.3 else random.randint(1, 62)


def _tail() -> tuple[int, int, int]:
    """Zero point, low, high."""
    low, high = sorted(random.randrange(-128, 128) for _ in range(2))
    if random.random() < 0.5:
        low, high = -128, 127
    return random.randrange(-128, 128), low, high


def _half_up_case() -> tuple[int, int, int, int]:
    """A product exactly between two results: ties go up, also below zero."""
    shift = random.randint(1, 30)
    odd = 2 * random.randrange(-60, 60) + 1
    return odd << (shift - 1), 0, 1, shift


@cocotb.test()
async def random_and_corner_values(dut: Dut) -> None:
    lanes = value(dut.Lanes)
    await start(dut)
    expected: dict[int, list[int]] = {}
    sent: list[int] = []  # cycles of the vectors in flight
    received = 0
    for cycle in range(VECTORS + 20):
        offer = cycle < VECTORS and random.random() < 0.8
        dut.valid_i.value = int(offer)
        if offer:
            cases = [
                _half_up_case()
                if random.random() < 0.2
                else (_int32(), _int32(), _multiplier(), _shift())
                for _ in range(lanes)
            ]
            acc, bias, multiplier, shift = zip(*cases, strict=True)
            tail, rounding = _tail(), random.choice(list(Rounding))
            dut.twice_i.value = int(rounding == Rounding.DOUBLE)
            dut.acc_i.value = join([x & 0xFFFFFFFF for x in acc], 32)
            dut.bias_i.value = join([x & 0xFFFFFFFF for x in bias], 32)
            dut.multiplier_i.value = join(multiplier, 32)
            dut.shift_i.value = join(shift, 6)
            dut.tail_i.value = join([x & 0xFF for x in reversed(tail)], 8)
            dut.tag_i.value = cycle
            columns = (np.array(x, np.int64) for x in (acc, bias, multiplier, shift))
            expected[cycle] = requantize(*columns, *tail, rounding).view(np.uint8).tolist()
            sent.append(cycle)
        await ReadOnly()
        assert value(dut.valid_o) == (bool(sent) and sent[0] == cycle - LATENCY)
        if value(dut.valid_o):
            sent.pop(0)
            assert value(dut.tag_o) == cycle - LATENCY
            assert split(value(dut.data_o), 8, lanes) == expected.pop(cycle - LATENCY)
            received += 1
        await FallingEdge(dut.clk_i)
    assert received > VECTORS // 2
    assert not sent
