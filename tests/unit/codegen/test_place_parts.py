# SPDX-License-Identifier: Apache-2.0
"""Joined and taken tensors: where they are addresses, and where they need ops."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from codegen import ir
from codegen.bands import layout_of
from codegen.emit import macs
from codegen.moves import BATCH, ROW
from codegen.passes.fold_selections import fold_selections
from codegen.passes.place_parts import place_parts, without_gaps
from codegen.passes.plan_sram import plan_sram
from codegen.pipeline import lower
from tests.unit.codegen.graphs import CONFIGS, CRAMPED, DEFAULT, Builder
from tests.unit.codegen.running import differing, expected, run

SAME3 = ir.Window2d((3, 3), padding=(1, 1, 1, 1))


def kinds(graph: ir.Graph) -> list[str]:
    return [type(op).__name__ for op in graph.ops]


def check(builder: Builder, outputs: tuple[str, ...] | None = None) -> None:
    """All configurations give what NumPy gives."""
    graph, data = builder.graph(outputs), builder.data()
    want = expected(graph, data)
    for config in CONFIGS.values():
        for seed in (None, 3):
            assert differing(run(lower(graph, config), graph, data, config, seed), want) == []


def test_results_of_convolutions_are_written_where_they_are_joined() -> None:
    builder = Builder()
    x = builder.input((1, 6, 7, 16), 3)
    a, b = builder.conv(x, 32, tail=ir.Tail(5)), builder.conv(x, 24, tail=ir.Tail(5))
    y = builder.concat(a, b)
    builder.conv(y, 16, SAME3)
    placed = place_parts(builder.graph(), DEFAULT)
    assert kinds(placed) == ["Conv", "Conv", "Conv"]
    assert placed.tensors[a].part == ir.Part(y, channel=0)
    assert placed.tensors[b].part == ir.Part(y, channel=32)
    places = plan_sram(placed, DEFAULT).places
    whole, part = places[y].resident, places[b].resident
    assert whole is not None
    assert part is not None
    assert part.start == whole.start + 32 // 16 * layout_of(y, placed.tensors, DEFAULT).plane
    assert part.stop == whole.stop
    check(builder)


def test_a_joined_result_may_be_joined_again() -> None:
    """As in a dense block: everything that was computed lies in one tensor, nothing is copied."""
    builder = Builder()
    x = builder.conv(builder.input((1, 8, 8, 16), 0), 32)
    for _ in range(3):
        x = builder.concat(x, builder.conv(x, 16, SAME3))
    builder.conv(x, 8)
    assert kinds(place_parts(builder.graph(), DEFAULT)) == ["Conv"] * 5
    check(builder)


def test_what_cannot_move_is_copied() -> None:
    """A graph input, an output, a second use: each of them is somewhere else already."""
    builder = Builder()
    x = builder.input((1, 5, 5, 16), 0)
    a = builder.conv(x, 16)
    y = builder.concat(a, x, a)
    z = builder.concat(a, y)
    assert kinds(place_parts(builder.graph((a, y, z)), DEFAULT)) == ["Conv", *["Pool"] * 5]
    check(builder, (a, y, z))


def test_channels_between_vectors_are_picked_by_the_reader() -> None:
    builder = Builder()
    x = builder.input((1, 6, 6, 16), 9)
    a, b = builder.conv(x, 10, tail=ir.Tail(4)), builder.conv(x, 21, tail=ir.Tail(4))
    y = builder.concat(a, b)
    builder.tensors[y] = replace(builder.tensors[y], zero_point=4)
    builder.conv(y, 8, SAME3)
    graph = builder.graph()
    placed = place_parts(graph, DEFAULT)
    assert [op.name.split("_")[0] for op in placed.ops] == ["conv0", "conv1", "select", "conv2"]
    folded = fold_selections(placed, DEFAULT)
    assert [op.name for op in folded.ops] == ["conv0", "conv1", "conv2"]
    reader = folded.ops[-1]
    assert isinstance(reader, ir.Conv)
    assert reader.weight.shape == (8, 3, 3, 16 + 21)
    assert macs(reader, folded) == 36 * 9 * 31 * 8
    check(builder)


def test_slices_of_channels_are_addresses_where_blocks_begin() -> None:
    builder = Builder()
    x = builder.input((1, 4, 4, 64), -7)
    halves = [builder.take(x, range(first, first + 32)) for first in (0, 32)]
    builder.conv(builder.add(*halves), 8)
    placed = place_parts(builder.graph(), DEFAULT)
    assert kinds(placed) == ["Add", "Conv"]
    assert placed.tensors[halves[1]].part == ir.Part(x, channel=32)
    check(builder)


def test_shuffled_channels() -> None:
    builder = Builder()
    x = builder.conv(builder.input((1, 4, 4, 20), 1), 24, tail=ir.Tail(1))
    y = builder.take(x, np.arange(24).reshape(2, 12).T.reshape(-1).tolist())
    builder.conv(y, 24, SAME3, groups=24)
    check(builder)


@pytest.mark.parametrize("images", [1, 3])
def test_rows_pixels_and_images_of_a_slice(images: int) -> None:
    builder = Builder()
    x = builder.input((images, 9, 8, 20), 2)
    rows = builder.take(builder.conv(x, 20, SAME3), range(2, 9, 3), ROW)
    builder.conv(builder.take(rows, range(1, 7)[::2], 2), 8)
    builder.conv(builder.take(x, range(images - 1, images), BATCH), 8, SAME3)
    check(builder)


def test_joined_rows() -> None:
    """The class token of a vision transformer, in front of the patches."""
    builder = Builder()
    token, patches = builder.input((1, 1, 1, 32)), builder.input((36, 1, 1, 32))
    rows = builder.concat(builder.conv(token, 32), builder.conv(patches, 32), axis=BATCH)
    builder.conv(rows, 16)
    builder.conv(builder.take(rows, [0], BATCH), 16)
    assert "Pool" not in kinds(place_parts(builder.graph(), CRAMPED))
    check(builder)


def test_pixels_of_an_image_are_rows_of_a_matrix() -> None:
    """As in front of a transformer; a depthwise reader of the image does without banks then."""
    builder = Builder()
    x = builder.conv(builder.input((2, 6, 5, 16), 3), 32, tail=ir.Tail(1))
    rows = builder.recast(x)
    builder.conv(rows, 24)
    builder.conv(x, 32, SAME3, groups=32)
    graph, data = builder.graph(), builder.data()
    placed = place_parts(graph, DEFAULT)
    assert placed.tensors[rows].part == ir.Part(x)
    able = [c for c in CONFIGS.values() if without_gaps(placed.tensors[rows].shape, c)]
    assert {DEFAULT, CRAMPED} <= set(able)
    assert CONFIGS["small"] not in able  # two pixels to a bus beat
    for config in able:
        got = run(lower(graph, config), graph, data, config, 3)
        assert differing(got, expected(graph, data)) == []


def test_gaps_are_kept_where_joined_channels_are_joined_again() -> None:
    """A dense block that grows by 12 channels: every reader picks, nothing is moved."""
    builder = Builder()
    x = builder.conv(builder.input((1, 5, 6, 16)), 20)
    for _ in range(3):
        x = builder.concat(x, builder.conv(x, 12, SAME3))
    builder.conv(x, 8)
    folded = fold_selections(place_parts(builder.graph(), DEFAULT), DEFAULT)
    assert [op.name for op in folded.ops] == ["conv0", "conv1", "conv2", "conv3", "conv4"]
    check(builder)
