# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import io

from rich.console import Console
from rich.table import Table

from accel.device import Profile
from sim.attribution import Use
from sim.report import (
    END,
    LayerRow,
    attribution_table,
    layer_rows,
    layer_table,
    row_json,
    total_row,
)
from tests.unit.sim.rows import PROFILE, cycles, program

LANES = 256
ROWS = layer_rows(program(), PROFILE, LANES)


def text_of(table: Table) -> str:
    output = io.StringIO()
    Console(file=output, width=120).print(table)
    return output.getvalue()


def test_cycles_go_to_the_layer_of_their_command() -> None:
    assert [(row.name, row.cycles) for row in ROWS] == [("conv_0", 20), ("pool_1", 5), (END, 7)]
    assert ROWS[0].spent[Use.LOAD] == 8
    assert ROWS[1].spent[Use.VECTOR] == 5


def test_bytes_go_to_the_layer_of_their_transfer() -> None:
    moved = [(row.bytes_read, row.bytes_written) for row in ROWS]
    assert moved == [(2 * 3 * 64, 0), (0, 4 * 16), (0, 0)]


def test_every_cycle_is_in_the_total_once() -> None:
    total = total_row(ROWS)
    assert total.cycles == sum(map(sum, PROFILE.array_cycles.values())) == 32
    assert sum(total.spent.values()) == total.cycles


def test_commands_that_the_program_does_not_have_count_for_the_end() -> None:
    profile = Profile((), {9: cycles(command=3)})
    assert layer_rows(program(), profile, LANES)[-1].cycles == 3


def test_utilization_counts_only_the_ops_own_work() -> None:
    conv, pool, _ = ROWS
    assert conv.share(Use.USEFUL) == 1280 / (20 * LANES)
    assert conv.macs_per_cycle == 64
    assert pool.macs_per_cycle is None


def test_intensity_is_by_the_busier_direction() -> None:
    row = LayerRow("a", "conv", "n", "accelerator", macs=600, bytes_read=20, bytes_written=30)
    assert row.intensity == 20
    assert ROWS[1].intensity is None


def test_without_a_profile_there_are_bytes_and_no_cycles() -> None:
    rows = layer_rows(program(), None, LANES)
    assert [row.cycles for row in rows] == [None, None]
    assert rows[0].bytes_read == ROWS[0].bytes_read
    assert total_row(rows).cycles is None


def test_layer_table_shows_every_row_and_the_total() -> None:
    text = text_of(layer_table([*ROWS, LayerRow("Softmax", "Softmax", "soft", "host")], "title"))
    assert all(word in text for word in ("conv_0", "pool_1", END, "Softmax", "host", "total"))
    assert "25.0%" in text  # 1280 MACs in 20 cycles of 256
    assert "15.6%" in text  # in 32 cycles


def test_attribution_table_shows_what_cycles_were_spent_on_and_nothing_else() -> None:
    text = text_of(attribution_table([*ROWS, LayerRow("Softmax", "Softmax", "soft", "host")]))
    assert "Softmax" not in text
    assert "accumulator" not in text
    conv = next(line for line in text.splitlines() if "conv_0" in line)
    assert [word for word in conv.split() if word != "│"] == [
        "conv_0",
        "25.0",  # useful
        "25.0",  # edge
        "10.0",  # weight
        "40.0",  # load
    ]


def test_json_keeps_every_use() -> None:
    data = row_json(ROWS[0])
    assert data["cycles"] == sum(data["attribution"].values()) == 20
    assert set(data["attribution"]) == {use.name.lower() for use in Use}
    assert data["bytes_read"] == 384
