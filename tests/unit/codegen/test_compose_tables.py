# SPDX-License-Identifier: Apache-2.0
"""Chains of pointwise ops become one table, and tables cost no command of their own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from accel.config import AccelConfig
from accel.errors import PlanError
from codegen import ir
from codegen.passes.compose_tables import compose_tables
from codegen.passes.fuse_output_stage import fuse_output_stage
from codegen.pipeline import lower
from tests.unit.codegen.graphs import CONFIGS, DEFAULT, Builder
from tests.unit.codegen.running import differing, expected, run


def gated() -> Builder:
    """conv; x * sigmoid(x), as hard-swish and SiLU are exported."""
    builder = Builder()
    x = builder.conv(builder.input((1, 6, 6, 16), 4), 24, tail=ir.Tail(-20))
    builder.mul(x, builder.look_up(x), ir.Tail(3))
    return builder


def test_a_gated_activation_is_one_table_in_the_output_stage() -> None:
    graph = gated().graph()
    composed = compose_tables(graph, DEFAULT)
    assert [type(op) for op in composed.ops] == [ir.Conv, ir.Pool]
    (conv,) = fuse_output_stage(composed, DEFAULT).ops
    assert isinstance(conv, ir.Conv)
    assert conv.table is not None
    assert conv.source.node == "Node_0+Node_1+Node_2"


@pytest.mark.parametrize("name", sorted(name for name in CONFIGS if CONFIGS[name].tables))
def test_results_stay_the_same(name: str) -> None:
    builder, config = gated(), CONFIGS[name]
    graph, data = builder.graph(), builder.data()
    got = run(lower(graph, config), graph, data, config, shuffle_seed=3)
    assert differing(got, expected(graph, data)) == []


def test_a_value_that_others_read_stays() -> None:
    builder = gated()
    builder.add("t0", "t2")
    graph, data = builder.graph(("t1", "t3")), builder.data()
    composed = compose_tables(graph, DEFAULT)
    assert {op.output for op in composed.ops} == {"t0", "t1", "t3"}
    got = run(lower(graph, DEFAULT), graph, data, DEFAULT)
    assert differing(got, expected(graph, data)) == []


def test_a_clip_alone_needs_no_table() -> None:
    builder = Builder()
    x = builder.conv(builder.input((1, 4, 4, 8)), 8)
    builder.pool(x, ir.PoolKind.MAX, ir.Window2d((1, 1)), ir.Tail(0, lo=-3))
    assert fuse_output_stage(compose_tables(builder.graph(), DEFAULT), DEFAULT).ops[0].table is None


def test_hardware_without_tables_refuses_with_a_remedy() -> None:
    config: AccelConfig = replace(DEFAULT, tables=0)
    with pytest.raises(PlanError, match="set tables >= 1"):
        lower(gated().graph(), config)
