# SPDX-License-Identifier: Apache-2.0
"""What every cocotb test of a clocked module begins with."""

from __future__ import annotations

from typing import Any

from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge

Dut = Any
"""cocotb handles are dynamic."""


async def start(dut: Dut, **inputs: int) -> None:
    """Start the clock and reset the module; `inputs` hold these values, all others 0.

    Returns at a falling edge: tests drive and sample there, in the middle between clock edges, so
    that combinational outputs have settled for what they drive after `settle`.
    """
    for handle in dut:
        if handle._name.endswith("_i"):
            handle.value = inputs.get(handle._name, 0)
    dut.rst_ni.value = 0
    Clock(dut.clk_i, 2, unit="step", impl="gpi").start()
    await ClockCycles(dut.clk_i, 3)
    dut.rst_ni.value = 1
    await FallingEdge(dut.clk_i)


def value(handle: Dut) -> int:
    """An output's value, unsigned."""
    return int(handle.value)


def cocotb_parameter(dut: Dut, name: str) -> int:
    """A parameter of the module under test."""
    return int(getattr(dut, name).value)
