# SPDX-License-Identifier: Apache-2.0
"""What every cocotb test of a clocked module begins with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cocotb.clock import Clock
from cocotb.handle import ArrayObject
from cocotb.triggers import ClockCycles, FallingEdge

Dut = Any
"""cocotb handles are dynamic."""


async def start(dut: Dut, **inputs: int) -> None:
    """Start the clock and reset the module; `inputs` hold these values, all others 0.

    Returns after a falling edge. Tests drive there and look at outputs later in the same half cycle
    (`ReadOnly`, or the rising edge), when combinational logic has settled.
    """
    for handle in dut:
        if handle._name.endswith("_i"):
            _drive(handle, inputs.get(handle._name, 0))
    dut.rst_ni.value = 0
    Clock(dut.clk_i, 2, unit="step", impl="gpi").start()
    await ClockCycles(dut.clk_i, 3)
    dut.rst_ni.value = 1
    await FallingEdge(dut.clk_i)


def _drive(handle: Dut, level: int) -> None:
    """Set an input, or all elements of an unpacked array."""
    if isinstance(handle, ArrayObject):
        for element in handle:
            _drive(element, level)
    else:
        handle.value = level


def value(handle: Dut) -> int:
    """An output's value, unsigned."""
    return int(handle.value)


def join(values: Sequence[int], bits: int) -> int:
    """Pack elements of `bits` each, the first one lowest, as a packed array holds them."""
    return sum(int(element) << bits * index for index, element in enumerate(values))


def split(packed: int, bits: int, count: int) -> list[int]:
    """The inverse of `join`."""
    return [packed >> bits * index & (1 << bits) - 1 for index in range(count)]
