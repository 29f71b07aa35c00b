# SPDX-License-Identifier: Apache-2.0
"""tessera_rescale_add against `accel.numerics.rescale_add`: random values and corners."""

from __future__ import annotations

import random
from pathlib import Path

import cocotb
import numpy as np
import pytest
from cocotb.triggers import FallingEdge, ReadOnly

from accel.numerics import rescale_add, rescale_product, scaled_operand
from tests.rtl.bench import run_cocotb
from tests.rtl.clocked import Dut, join, split, start, value

HARNESS = Path(__file__).parent / "rescale_add_harness.sv"
VECTORS = 1500
LATENCY = 2
SUM_LATENCY = 1

INT8 = (-128, -127, -1, 0, 1, 127)
INT32 = (-(2**31), -1, 0, 1, 2**30, 2**31 - 1)


@pytest.mark.parametrize("seed", [1, 2])
def test_rescale_add(seed: int) -> None:
    run_cocotb("rescale_add_harness", __name__, sources=[HARNESS], seed=seed)


def _int8() -> int:
    return random.choice(INT8) if random.random() < 0.3 else random.randrange(-128, 128)


def _multiplier() -> int:
    if random.random() < 0.3:
        return random.choice(INT32)
    bits = random.randint(1, 32)
    return random.randrange(-(1 << bits - 1), 1 << bits - 1)


def _scaled(
    x: np.ndarray, x_mult: int, x_shift: int, y: np.ndarray, y_mult: int, y_shift: int
) -> np.ndarray:
    return scaled_operand(x, x_mult, x_shift) + scaled_operand(y, y_mult, y_shift)


@cocotb.test()
async def random_and_corner_values(dut: Dut) -> None:
    lanes = value(dut.Lanes)
    await start(dut)
    expected: dict[int, list[int]] = {}
    sums: dict[int, list[int]] = {}
    sent: list[int] = []  # cycles of the vectors in flight
    received = bypassed = summed = 0
    for cycle in range(VECTORS + 20):
        offer = cycle < VECTORS and random.random() < 0.8
        dut.valid_i.value = int(offer)
        if offer:
            a, b = ([_int8() for _ in range(lanes)] for _ in range(2))
            a_zp, b_zp, zp = _int8(), _int8(), _int8()
            a_mult, b_mult = _multiplier(), _multiplier()
            shift = random.randint(1, 62)
            low, high = sorted((_int8(), _int8()))
            a_mult, b_mult = (max(m, -(2**31) + 1) for m in (a_mult, b_mult))
            twice = random.random() < 0.3
            bypass = not twice and random.random() < 0.2
            dut.bypass_i.value = int(bypass)
            dut.a_i.value = join([x & 0xFF for x in a], 8)
            dut.b_i.value = join([x & 0xFF for x in b], 8)
            dut.a_zp_i.value = a_zp & 0xFF
            dut.b_zp_i.value = b_zp & 0xFF
            dut.a_mult_i.value = a_mult & 0xFFFFFFFF
            dut.b_mult_i.value = b_mult & 0xFFFFFFFF
            dut.shift_i.value = shift
            dut.tail_i.value = join([x & 0xFF for x in (high, low, zp)], 8)
            dut.tag_i.value = cycle
            x, y = np.array(a, np.int64) - a_zp, np.array(b, np.int64) - b_zp
            multiply = random.random() < 0.5
            dut.multiply_i.value = int(multiply)
            rule = (shift, zp, low, high)
            if multiply:
                result = rescale_product(x, y, a_mult, *rule)
            else:
                result = rescale_add(x, y, a_mult, b_mult, *rule)
            if bypass:
                result = np.array(a, np.int8)
            dut.twice_i.value = int(twice)
            a_shift, b_shift = random.randrange(32), random.randrange(32)
            dut.a_shift_i.value, dut.b_shift_i.value = a_shift, b_shift
            if twice:
                total = x * y if multiply else _scaled(x, a_mult, a_shift, y, b_mult, b_shift)
                sums[cycle] = (total & 0xFFFFFFFF).tolist()
            else:
                expected[cycle] = result.view(np.uint8).tolist()
                sent.append(cycle)
                bypassed += bypass
        await ReadOnly()
        assert value(dut.sum_valid_o) == (cycle - SUM_LATENCY in sums)
        if value(dut.sum_valid_o):
            assert value(dut.sum_tag_o) == cycle - SUM_LATENCY
            assert split(value(dut.sum_o), 32, lanes) == sums.pop(cycle - SUM_LATENCY)
            summed += 1
        assert value(dut.valid_o) == (bool(sent) and sent[0] == cycle - LATENCY)
        if value(dut.valid_o):
            sent.pop(0)
            assert value(dut.tag_o) == cycle - LATENCY
            assert split(value(dut.data_o), 8, lanes) == expected.pop(cycle - LATENCY)
            received += 1
        await FallingEdge(dut.clk_i)
    assert received > VECTORS // 3
    assert bypassed > 0
    assert summed > VECTORS // 8
    assert not sums
    assert not sent
