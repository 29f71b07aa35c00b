# SPDX-License-Identifier: Apache-2.0
"""Tokens: exactly what a command depends on, counted per unit."""

from __future__ import annotations

from accel.codec import Instruction
from codegen.passes.assign_tokens import assign_tokens
from tests.unit.codegen.commands import add, conv, load, step, store
from tests.unit.codegen.graphs import DEFAULT

UNITS = ("load", "conv", "vector", "store")


def tokens(*instructions: Instruction) -> list[str]:
    """For each command, END too, what it waits for: `load2 conv1`."""
    steps = assign_tokens([step(0, i) for i in instructions], DEFAULT)
    return [
        " ".join(f"{u}{n}" for u in UNITS if (n := s.instruction.values[f"wait_{u}"]))
        for s in steps
    ]


def test_computation_waits_for_its_loads_and_the_store_for_it() -> None:
    assert tokens(
        load("ACT", 0x0, 256),
        load("WEIGHT", 0x0, 256),
        load("PARAM", 0x0, 160),
        conv(in_addr=0x0, out_addr=0x1000),
        store(0x1000, 16),
    ) == ["", "", "", "load3", "load3 conv1", "load3 conv1 store1"]


def test_a_store_waits_for_the_loads_of_what_it_overwrites() -> None:
    assert tokens(load("ACT", 0x0, 256), store(0x1000, 16))[1] == "load1"


def test_a_command_waits_only_for_the_load_it_needs() -> None:
    assert tokens(
        load("WEIGHT", 0x0, 256),
        load("WEIGHT", 0x100, 256),
        conv(weight_addr=0x0, out_addr=0x1000),
        conv(weight_addr=0x100, out_addr=0x2000),
    )[2:4] == ["load1", "load2"]


def test_a_load_waits_for_the_readers_of_what_it_overwrites() -> None:
    assert (
        tokens(
            load("WEIGHT", 0x0, 256),
            conv(weight_addr=0x0, out_addr=0x1000),
            conv(weight_addr=0x400, out_addr=0x2000),
            load("WEIGHT", 0x0, 256),
        )[3]
        == "conv1"
    )


def test_results_of_the_own_unit_are_waited_for_only_when_read() -> None:
    chained, apart, overwritten = (
        tokens(conv(out_addr=0x1000), second)[1]
        for second in (
            conv(in_addr=0x1000, out_addr=0x2000),
            conv(in_addr=0x3000, out_addr=0x2000),
            conv(in_addr=0x3000, out_addr=0x1000),
        )
    )
    assert (chained, apart, overwritten) == ("conv1", "", "")


def test_units_wait_for_each_other_in_all_three_hazards() -> None:
    first = conv(in_addr=0x0, out_addr=0x1000)
    for second in (
        add(a_addr=0x1000, b_addr=0x2000, out_addr=0x3000),  # reads the result
        add(a_addr=0x2000, b_addr=0x2000, out_addr=0x0),  # overwrites the operand
        add(a_addr=0x2000, b_addr=0x2000, out_addr=0x1000),  # overwrites the result
    ):
        assert tokens(first, second)[1] == "conv1"
    assert tokens(first, add(a_addr=0x2000, b_addr=0x2000, out_addr=0x3000))[1] == ""


def test_reading_what_another_unit_reads_needs_no_token() -> None:
    assert (
        tokens(conv(in_addr=0x0, out_addr=0x1000), add(a_addr=0x0, b_addr=0x0, out_addr=0x2000))[1]
        == ""
    )


def test_a_load_of_scratch_waits_for_the_store_that_wrote_it() -> None:
    assert tokens(store(0x0, 256), load("ACT", 0x800, 256))[1] == "store1"


def test_end_waits_for_everything() -> None:
    steps = [load("ACT", 0x4000, 256), conv(), conv(), add(out_addr=0x3000)]
    assert tokens(*steps)[-1] == "load1 conv2 vector1"
    assert tokens() == [""]
