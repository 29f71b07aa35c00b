# SPDX-License-Identifier: Apache-2.0
"""Fusing changes which ops there are, never what they compute."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings

from accel.config import AccelConfig
from codegen import ir
from codegen.fits import reason
from codegen.passes.fuse_output_stage import fuse_output_stage
from codegen.pipeline import lower
from tests.unit.codegen.graphs import (
    CONFIG_NAMES,
    CONFIGS,
    CRAMPED,
    DEFAULT,
    Builder,
    builders,
)
from tests.unit.codegen.reference import evaluate

SAME3 = ir.Window2d((3, 3), padding=(1, 1, 1, 1))
POINT = ir.Window2d((1, 1))


def same(left: ir.Graph, right: ir.Graph, builder: Builder) -> bool:
    """Whether two graphs give the same outputs for random inputs."""
    data = builder.data()
    a, b = evaluate(left, data), evaluate(right, data)
    assert [port.tensor for port in left.outputs] == [port.tensor for port in right.outputs]
    return all(np.array_equal(a[port.tensor], b[port.tensor]) for port in left.outputs)


@settings(deadline=None)
@given(builders(most_ops=6), CONFIG_NAMES)
def test_fused_graphs_compute_the_same_and_still_fit(builder: Builder, name: str) -> None:
    graph, config = builder.graph(), CONFIGS[name]
    fused = fuse_output_stage(graph, config)
    assert same(graph, fused, builder)
    if not any(reason(op, graph.tensors, config) for op in graph.ops):
        assert not any(reason(op, fused.tensors, config) for op in fused.ops)


def block(clip: bool = True) -> Builder:
    """conv; conv; add of both branches; clip."""
    builder = Builder()
    x = builder.input((1, 6, 6, 16), 2)
    a = builder.conv(x, 16, SAME3, tail=ir.Tail(-3))
    b = builder.conv(a, 16, SAME3, tail=ir.Tail(4))
    c = builder.add(b, a, ir.Tail(1))
    if clip:
        builder.pool(c, ir.PoolKind.MAX, POINT, ir.Tail(1, lo=1, hi=90))
    return builder


def test_addition_and_clip_join_the_later_convolution() -> None:
    builder = block()
    fused = fuse_output_stage(builder.graph(), DEFAULT)
    first, second = fused.ops
    assert isinstance(second, ir.Conv)
    assert second.add is not None
    assert (first.output, second.residual, second.output) == ("t0", "t0", "t3")
    assert second.source.node == "Node_1+Node_2+Node_3"
    assert (second.add.tail.lo, second.add.tail.hi) == (1, 90)
    assert set(fused.tensors) == {"in0", "t0", "t3"}
    assert same(builder.graph(), fused, builder)


def test_operands_are_swapped_where_the_convolution_is_the_second() -> None:
    builder = Builder()
    x = builder.input((1, 5, 5, 8), 7)
    y = builder.conv(x, 8, SAME3, tail=ir.Tail(-9))
    builder.add(x, y, ir.Tail(3))
    (only,) = fuse_output_stage(builder.graph(), DEFAULT).ops
    assert isinstance(only, ir.Conv)
    assert only.residual == "in0"
    assert same(builder.graph(), fuse_output_stage(builder.graph(), DEFAULT), builder)


def test_clips_meet_in_the_range_both_allow() -> None:
    builder = Builder()
    x = builder.conv(builder.input((1, 4, 4, 16)), 16, tail=ir.Tail(0, lo=-50, hi=50))
    y = builder.pool(x, ir.PoolKind.MAX, POINT, ir.Tail(0, lo=-20, hi=100))
    builder.pool(y, ir.PoolKind.MAX, POINT, ir.Tail(0, lo=60, hi=70))
    (only,) = fuse_output_stage(builder.graph(), DEFAULT).ops
    assert isinstance(only, ir.Conv)
    assert (only.requant.tail.lo, only.requant.tail.hi) == (60, 60)
    assert same(builder.graph(), fuse_output_stage(builder.graph(), DEFAULT), builder)


def names(builder: Builder, config: AccelConfig = DEFAULT, *outputs: str) -> list[str]:
    return [op.name for op in fuse_output_stage(builder.graph(outputs or None), config).ops]


def test_a_tensor_that_others_need_is_not_fused_away() -> None:
    assert names(block(), DEFAULT, "t1", "t3") == ["conv0", "conv1", "add2"]


def test_an_addition_of_a_tensor_to_itself_stays() -> None:
    builder = Builder()
    y = builder.conv(builder.input((1, 4, 4, 16)), 16)
    builder.add(y, y)
    assert names(builder) == ["conv0", "add1"]


def test_a_change_of_scale_becomes_a_table() -> None:
    builder = Builder()
    x = builder.conv(builder.input((1, 6, 6, 16), 2), 16, SAME3)
    builder.pool(x, ir.PoolKind.AVERAGE, POINT, ir.Tail(3))
    graph = builder.graph()
    fused = fuse_output_stage(graph, DEFAULT)
    assert [type(op) for op in fused.ops] == [ir.Conv]
    assert fused.ops[0].table is not None
    assert same(graph, fused, builder)
    assert len(fuse_output_stage(graph, replace(DEFAULT, tables=0)).ops) == 2


def test_moves_stay_behind_what_they_read() -> None:
    builder = Builder()
    x = builder.input((1, 6, 6, 16), 2)
    clipped = [
        builder.pool(builder.conv(x, 16), ir.PoolKind.MAX, POINT, ir.Tail(0, lo=0))
        for _ in range(2)
    ]
    builder.conv(builder.concat(*clipped), 8)
    fused = fuse_output_stage(builder.graph(), DEFAULT)
    assert [type(op) for op in fused.ops] == [ir.Conv] * 3
    assert fused.moves[0].before == 2
    assert same(builder.graph(), fused, builder)


def test_pooling_is_not_a_clip() -> None:
    builder = Builder()
    y = builder.conv(builder.input((1, 4, 4, 16)), 16)
    builder.pool(y, ir.PoolKind.MAX, ir.Window2d((1, 1), (2, 2)))
    assert names(builder) == ["conv0", "max1"]


def test_an_addition_with_another_zero_point_than_the_convolution_stays() -> None:
    """The output stage subtracts the convolution's own zero point; no field holds another."""
    builder = Builder()
    x = builder.input((1, 4, 4, 16))
    y = builder.conv(x, 16, tail=ir.Tail(5))
    z = builder.pool(y, ir.PoolKind.MAX, POINT, ir.Tail(6, lo=0))
    builder.add(z, x)
    assert names(builder) == ["conv0", "add2"]
    assert same(builder.graph(), fuse_output_stage(builder.graph(), DEFAULT), builder)


def test_fusing_stops_where_the_memory_ends() -> None:
    """An input row of 7.0 KiB: with a block of the output it fits 8 KiB, not with the residual."""
    builder = Builder()
    x, r = builder.input((1, 2, 50, 144)), builder.input((1, 2, 50, 64))
    builder.add(builder.conv(x, 64), r)
    assert names(builder, DEFAULT) == ["conv0"]
    assert names(builder, CRAMPED) == ["conv0", "add1"]
    lower(builder.graph(), CRAMPED)
