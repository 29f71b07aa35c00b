# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from accel.config import load_config
from accel.driver import Counters, Outcome
from sim.compare import Call
from sim.report import total_row
from sim.session import call_rows
from tests.unit.sim.rows import PROFILE, program

CONFIG = load_config("default")


def call() -> Call:
    return Call("region", program(), (), Outcome((), Counters(32, {}, {}, 0, 0), PROFILE))


def test_one_call_keeps_the_names_of_its_layers() -> None:
    assert [row.name for row in call_rows([call()], CONFIG)][:2] == ["conv_0", "pool_1"]


def test_names_of_several_calls_differ_and_their_cycles_add_up() -> None:
    rows = call_rows([call(), call()], CONFIG)
    assert len({row.name for row in rows}) == len(rows) == 6
    assert rows[3].name == "1/conv_0"
    assert total_row(rows).cycles == 64
