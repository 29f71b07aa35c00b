# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import io

import numpy as np
from rich.console import Console

from accel.device import Profile
from accel.isa import COMMAND_WORDS, ArrayCycle
from accel.program import Layer, Program
from sim.report import END, LayerRow, layer_rows, row_json, stalls, table, total_row

LAYERS = (Layer("conv_0", "conv", "Conv_a", 1280), Layer("pool_1", "pool", "Pool_b", 0))


def program() -> Program:
    """Two convolutions of one layer, a pool, END."""
    return Program(
        name="region",
        config_digest="",
        words=np.zeros((4, COMMAND_WORDS), np.uint32),
        layer_of=(0, 0, 1, -1),
        layers=LAYERS,
        constants=np.zeros(0, np.uint8),
        inputs=(),
        outputs=(),
        input_bytes=0,
        output_bytes=0,
        scratch_bytes=0,
    )


def cycles(**causes: int) -> tuple[int, ...]:
    return tuple(causes.get(cause.name.lower(), 0) for cause in ArrayCycle)


PROFILE = Profile(
    commands=(),
    array_cycles={
        0: cycles(busy=6, weight=2),
        1: cycles(busy=4, dep_load=8),
        2: cycles(dep_vector=5),
        3: cycles(drain=7),
    },
)


def test_cycles_go_to_the_layer_of_their_command() -> None:
    rows = layer_rows(program(), PROFILE)
    assert [(row.name, row.cycles) for row in rows] == [("conv_0", 20), ("pool_1", 5), (END, 7)]
    assert rows[0].split[ArrayCycle.DEP_LOAD] == 8


def test_every_cycle_is_in_the_total_once() -> None:
    total = total_row(layer_rows(program(), PROFILE))
    assert total.cycles == sum(map(sum, PROFILE.array_cycles.values())) == 32
    assert sum(total.split.values()) == total.cycles


def test_commands_that_the_program_does_not_have_count_for_the_end() -> None:
    profile = Profile((), {9: cycles(command=3)})
    assert layer_rows(program(), profile)[-1].cycles == 3


def test_utilization_counts_only_the_ops_own_work() -> None:
    conv, pool, _ = layer_rows(program(), PROFILE)
    assert conv.utilization(256) == 1280 / (20 * 256)
    assert pool.utilization(256) is None


def test_without_a_profile_there_are_no_cycles() -> None:
    rows = layer_rows(program(), None)
    assert [row.cycles for row in rows] == [None, None]
    assert total_row(rows).cycles is None


def test_stalls_are_named_largest_first_without_the_busy_cycles() -> None:
    conv = layer_rows(program(), PROFILE)[0]
    assert stalls(conv) == "load 40%, weight 10%"


def test_table_shows_every_row_and_the_total() -> None:
    host = LayerRow("Softmax", "Softmax", "soft", "host", 0, None, {})
    output = io.StringIO()
    drawn = table([*layer_rows(program(), PROFILE), host], 256, "title")
    Console(file=output, width=120).print(drawn)
    text = output.getvalue()
    assert all(word in text for word in ("conv_0", "pool_1", END, "Softmax", "host", "total"))
    assert "25.0%" in text  # 1280 MACs in 20 cycles of 256
    assert "15.6%" in text  # in 32 cycles


def test_json_keeps_every_cause() -> None:
    data = row_json(layer_rows(program(), PROFILE)[0], 256)
    assert data["cycles"] == sum(data["attribution"].values()) == 20
    assert set(data["attribution"]) == {cause.name.lower() for cause in ArrayCycle}
