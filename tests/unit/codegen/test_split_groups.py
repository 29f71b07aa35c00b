# SPDX-License-Identifier: Apache-2.0
"""Grouped convolutions: fewer cycles in parts, the same results."""

from __future__ import annotations

import pytest

from codegen import ir
from codegen.cost import estimate
from codegen.emit import macs
from codegen.passes.split_groups import split_groups
from codegen.pipeline import lower
from tests.unit.codegen.graphs import CONFIGS, DEFAULT, Builder
from tests.unit.codegen.running import differing, expected, run

SAME3 = ir.Window2d((3, 3), padding=(1, 1, 1, 1))


def grouped(cin: int, cout: int, groups: int, window: ir.Window2d = SAME3) -> Builder:
    builder = Builder()
    builder.conv(builder.input((1, 9, 8, cin), 3), cout, window, groups)
    return builder


@pytest.mark.parametrize(
    ("cin", "cout", "groups", "parts"),
    [
        (64, 64, 2, 2),
        (64, 64, 4, 1),  # a command's own window moves with the output
        (64, 64, 64, 1),  # depthwise has a mode of its own
        (64, 128, 64, 4),  # a channel multiplier of 2
        (120, 120, 3, 4),  # groups of 40 end inside of vectors
        (24, 48, 24, 2),
    ],
)
def test_groups_are_split_where_that_saves_passes(
    cin: int, cout: int, groups: int, parts: int
) -> None:
    builder = grouped(cin, cout, groups)
    graph, data = builder.graph(), builder.data()
    split = split_groups(graph, DEFAULT)
    assert len(split.ops) == parts
    assert sum(macs(op, split) for op in split.ops) == macs(graph.ops[0], graph)
    want = expected(graph, data)
    for config in CONFIGS.values():
        assert differing(run(lower(graph, config), graph, data, config, 1), want) == []


def test_two_groups_take_half_the_cycles() -> None:
    one, two = (
        estimate(lower(grouped(64, 64, groups).graph(), DEFAULT), DEFAULT).cycles
        for groups in (1, 2)
    )
    assert two < 0.6 * one


def test_residual_and_table_are_split_too() -> None:
    builder = Builder()
    x = builder.conv(builder.input((2, 5, 6, 16), 3), 48, tail=ir.Tail(2))
    builder.look_up(builder.conv(x, 48, SAME3, 2, residual=x))
    graph, data = builder.graph(), builder.data()
    for name in ("default", "cramped", "narrow_bus"):
        program = lower(graph, CONFIGS[name])
        assert len(program.layers) > 2
        got = run(program, graph, data, CONFIGS[name], 1)
        assert differing(got, expected(graph, data)) == []
