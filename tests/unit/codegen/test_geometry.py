# SPDX-License-Identifier: Apache-2.0
"""Window arithmetic against counting on fingers."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from codegen.geometry import Axis, Box, Extent, pixel_tiles, split_evenly

SMALL = st.integers(1, 6)


@st.composite
def axes(draw: st.DrawFn) -> Axis:
    """Windows in which padding may exceed the kernel, as parts of a kernel have it."""
    axis = Axis(
        size=draw(st.integers(1, 20)),
        kernel=draw(SMALL),
        stride=draw(SMALL),
        pad_before=draw(st.integers(-6, 9)),
        pad_after=draw(st.integers(0, 9)),
        dilation=draw(st.integers(1, 3)),
    )
    assume(axis.size + axis.pad_before + axis.pad_after >= axis.reach)
    return axis


def taps(axis: Axis, row: int) -> list[int]:
    """Input rows, also non-existing ones, that one output row reads."""
    return [row * axis.stride - axis.pad_before + k * axis.dilation for k in range(axis.kernel)]


@given(axes())
def test_outputs_counts_the_windows_that_fit(axis: Axis) -> None:
    last = axis.outputs - 1
    assert taps(axis, last)[-1] < axis.size + axis.pad_after
    assert taps(axis, last + 1)[-1] >= axis.size + axis.pad_after


@given(axes(), st.data())
def test_needed_rows_are_there_and_suffice(axis: Axis, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, axis.outputs - 1))
    count = data.draw(st.integers(1, axis.outputs - first))
    extent = axis.needed(first, count)
    assert extent.count >= 1
    assert 0 <= extent.first < extent.stop <= axis.size
    assert extent.pad >= 0
    for row in range(first, first + count):
        for k, tap in enumerate(taps(axis, row)):
            local = (row - first) * axis.stride - extent.pad + k * axis.dilation
            exists = 0 <= tap < axis.size
            assert (0 <= local < extent.count) == exists
            assert not exists or extent.first + local == tap


@given(axes(), st.data())
def test_needed_rows_of_a_kernel_part_are_among_those_of_the_kernel(
    axis: Axis, data: st.DataObject
) -> None:
    """A band holds what the whole kernel needs; commands for kernel rows must stay inside it."""
    assume(max(axis.pad_before, axis.pad_after) < axis.reach)
    first = data.draw(st.integers(0, axis.outputs - 1))
    count = data.draw(st.integers(1, axis.outputs - first))
    tap = data.draw(st.integers(0, axis.kernel - 1))
    whole, part = axis.needed(first, count), axis.part(tap, 1).needed(first, count)
    assert whole.first <= part.first
    assert part.stop <= whole.stop


@given(axes(), st.data())
def test_parts_of_a_kernel_have_its_outputs_and_taps(axis: Axis, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, axis.kernel - 1))
    parts = [axis.part(0, cut)] if cut else []
    parts.append(axis.part(cut, axis.kernel - cut))
    row = data.draw(st.integers(0, axis.outputs - 1))
    assert [tap for part in parts for tap in taps(part, row)] == taps(axis, row)
    assert {part.outputs for part in parts} == {axis.outputs}


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        (0, Extent(0, 2, 1)),
        (1, Extent(1, 3, 0)),
        (3, Extent(5, 1, 0)),
    ],
)
def test_needed_examples(first: int, expected: Extent) -> None:
    assert Axis(size=6, kernel=3, stride=2, pad_before=1, pad_after=2).needed(first, 1) == expected


def test_rows_of_padding_only_name_the_nearest_row() -> None:
    last_tap = Axis(size=4, kernel=3, stride=1, pad_before=1, pad_after=1).part(2, 1)
    assert last_tap.needed(3, 1) == Extent(3, 1, 1)
    first_tap = Axis(size=4, kernel=3, stride=1, pad_before=1, pad_after=1).part(0, 1)
    assert first_tap.needed(0, 1) == Extent(0, 1, 1)


@given(st.integers(1, 500), st.integers(1, 100))
def test_split_evenly_covers_in_the_fewest_even_pieces(total: int, largest: int) -> None:
    pieces = split_evenly(total, largest)
    assert [i for first, count in pieces for i in range(first, first + count)] == list(range(total))
    counts = [count for _, count in pieces]
    assert max(counts) <= largest
    assert max(counts) - min(counts) <= 1
    assert len(pieces) == -(-total // largest)


@given(
    st.integers(0, 9),
    st.integers(1, 40),
    st.integers(1, 70),
    st.integers(1, 300),
    st.integers(1, 32),
)
def test_tiles_cover_the_band_once_and_fit(
    first: int, count: int, width: int, most: int, least: int
) -> None:
    tiles = pixel_tiles((first, count), width, most, least)
    covered = [
        (y, x)
        for tile in tiles
        for y in range(tile.y, tile.y + tile.h)
        for x in range(tile.x, tile.x + tile.w)
    ]
    assert sorted(covered) == [(first + y, x) for y in range(count) for x in range(width)]
    assert len(covered) == len(set(covered))
    assert all(tile.h * tile.w <= most for tile in tiles)


@pytest.mark.parametrize(
    ("rows", "width", "most", "least", "heights"),
    [
        ((0, 32), 32, 256, 16, [8, 8, 8, 8]),  # four pieces as wished
        ((0, 8), 8, 256, 16, [2, 2, 2, 2]),
        ((0, 4), 4, 256, 16, [4]),  # smaller tiles would not hide the next weights
        ((8, 4), 128, 256, 16, [1, 1, 1, 1]),
    ],
)
def test_tile_examples(
    rows: tuple[int, int], width: int, most: int, least: int, heights: list[int]
) -> None:
    tiles = pixel_tiles(rows, width, most, least)
    assert [tile.h for tile in tiles] == heights
    assert tiles[0].y == rows[0]


def test_rows_wider_than_a_tile_are_cut_into_columns() -> None:
    assert pixel_tiles((5, 1), 10, 4, 1) == [Box(5, 0, 1, 3), Box(5, 3, 1, 3), Box(5, 6, 1, 4)]
