# SPDX-License-Identifier: Apache-2.0
"""Borders: made by the convolution that reads them, or by one that copies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from codegen import ir
from codegen.identity import identity
from codegen.passes.fold_pads import fold_pads
from codegen.pipeline import lower
from tests.unit.codegen.graphs import CONFIGS, DEFAULT, Builder
from tests.unit.codegen.running import differing, expected, run

SAME3 = ir.Window2d((3, 3), padding=(1, 1, 1, 1))


def padded(builder: Builder, source: str, padding: tuple[int, int, int, int]) -> str:
    """Add a pad with the zero point of `source`; returns its output."""
    zero_point = builder.tensors[source].zero_point
    channels = builder.tensors[source].shape[3]
    window, tail = ir.Window2d((1, 1), padding=padding), ir.Tail(zero_point)
    output = builder.conv(source, channels, window, channels, tail=tail)
    conv = builder.ops[-1]
    assert isinstance(conv, ir.Conv)
    ones = np.ones_like(conv.weight)
    builder.ops[-1] = replace(conv, weight=ones, requant=identity(channels), overhead=True)
    return output


def check(builder: Builder) -> None:
    graph, data = builder.graph(), builder.data()
    want = expected(graph, data)
    for config in CONFIGS.values():
        assert differing(run(lower(graph, config), graph, data, config, 1), want) == []


def test_a_convolution_pads_by_itself() -> None:
    builder = Builder()
    x = builder.input((2, 6, 5, 20), -3)
    builder.conv(padded(builder, padded(builder, x, (1, 0, 2, 3)), (0, 1, 0, 0)), 8, SAME3)
    folded = fold_pads(builder.graph(), DEFAULT)
    (conv,) = folded.ops
    assert isinstance(conv, ir.Conv)
    assert conv.input == x
    assert conv.window.padding == (2, 2, 3, 4)
    check(builder)


def test_what_else_reads_a_border_gets_one() -> None:
    builder = Builder()
    x = builder.input((1, 6, 5, 20), -3)
    y = padded(builder, x, (1, 0, 2, 3))
    builder.pool(y, ir.PoolKind.MAX, ir.Window2d((3, 3), (2, 2)))
    builder.conv(y, 8, SAME3)
    folded = fold_pads(builder.graph(), DEFAULT)
    assert [type(op) for op in folded.ops] == [ir.Conv, ir.Pool, ir.Conv]
    assert [ir.reads(op)[0] for op in folded.ops] == [x, y, x]
    check(builder)


def test_a_border_of_another_value_stays() -> None:
    builder = Builder()
    x = builder.input((1, 6, 5, 20), -3)
    y = padded(builder, x, (1, 1, 1, 1))
    builder.tensors[y] = replace(builder.tensors[y], zero_point=4)
    builder.conv(y, 8, SAME3)
    assert len(fold_pads(builder.graph(), DEFAULT).ops) == 2
    check(builder)
