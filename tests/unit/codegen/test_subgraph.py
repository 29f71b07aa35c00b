# SPDX-License-Identifier: Apache-2.0
"""Ops taken off a graph's border: what is left computes what it did before."""

from __future__ import annotations

import numpy as np

from codegen import ir
from codegen.passes.fuse_output_stage import fuse_output_stage
from codegen.pipeline import lower
from codegen.subgraph import border, members, without
from tests.unit.codegen.graphs import DEFAULT, Builder
from tests.unit.codegen.reference import evaluate
from tests.unit.codegen.running import run

HALF = ir.Window2d((2, 2), (2, 2))


def diamond() -> Builder:
    """conv -> (conv, pool) -> both are outputs; the first convolution feeds two."""
    builder = Builder()
    first = builder.conv(builder.input((1, 8, 8, 16)), 16)
    builder.conv(first, 24)
    builder.pool(first, ir.PoolKind.MAX, HALF)
    return builder


def test_the_border_is_what_comes_first_or_last() -> None:
    graph = diamond().graph()
    assert [op.name for op in border(graph)] == [op.name for op in graph.ops]
    chain = Builder()
    x = chain.input((1, 8, 8, 16))
    for _ in range(3):
        x = chain.conv(x, 16)
    first, middle, last = chain.graph().ops
    assert list(border(chain.graph())) == [first, last]
    assert middle not in list(border(chain.graph()))


def test_what_is_left_computes_the_same() -> None:
    builder = diamond()
    graph, data = builder.graph(), builder.data()
    whole = evaluate(graph, data)
    for op in border(graph):
        smaller = without(graph, op)
        given = {port.tensor: whole[port.tensor] for port in smaller.inputs}
        results = run(lower(smaller, DEFAULT), smaller, given, DEFAULT)
        assert {port.tensor for port in smaller.outputs} == set(results)
        for port in smaller.outputs:
            shape = [port.host_shape[axis] for axis in port.axes]
            host = whole[port.tensor].reshape(shape).transpose(np.argsort(port.axes))
            assert np.array_equal(results[port.tensor], host)


def test_what_the_op_read_becomes_an_output_and_what_it_made_an_input() -> None:
    chain = Builder()
    x = chain.input((1, 8, 8, 16))
    for _ in range(3):
        x = chain.conv(x, 16)
    graph = chain.graph()
    first, middle, last = graph.ops
    assert [port.tensor for port in without(graph, first).inputs] == [first.output]
    assert [port.tensor for port in without(graph, last).outputs] == [middle.output]
    assert without(graph, first).outputs == graph.outputs


def test_members_are_what_was_fused() -> None:
    builder = Builder()
    x = builder.input((1, 8, 8, 16))
    y = builder.conv(x, 16)
    builder.add(y, x)
    graph = builder.graph()
    fused = fuse_output_stage(graph, DEFAULT)
    assert len(fused.ops) == 1
    (inside,) = members(graph, fused).values()
    assert {op.name for op in inside} == {op.name for op in graph.ops}
