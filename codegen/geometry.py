# SPDX-License-Identifier: Apache-2.0
"""Where windows land: which input rows an output row needs, and how outputs are cut into tiles."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Extent:
    """A run of rows (or pixels) of a tensor, with the padding in front of it."""

    first: int
    """First row that exists and is needed."""
    count: int
    """Rows that exist and are needed; at least 1."""
    pad: int
    """Padding rows before `first` that the window covers."""

    @property
    def stop(self) -> int:
        """One past the last row."""
        return self.first + self.count


@dataclass(frozen=True, slots=True)
class Axis:
    """A sliding window along one axis."""

    size: int
    """Input rows."""
    kernel: int
    stride: int
    pad_before: int
    pad_after: int
    dilation: int = 1

    @property
    def reach(self) -> int:
        """Input rows from the first to the last tap of one window."""
        return (self.kernel - 1) * self.dilation + 1

    @property
    def outputs(self) -> int:
        """Output rows."""
        return (self.size + self.pad_before + self.pad_after - self.reach) // self.stride + 1

    def needed(self, first: int, count: int) -> Extent:
        """Input rows that output rows `first` to `first + count - 1` need.

        Where all of them are padding, the nearest row is named (a band that holds the whole window
        holds it too) and the padding covers the whole window.
        """
        low = first * self.stride - self.pad_before
        span = (count - 1) * self.stride + self.reach
        start, stop = max(low, 0), min(low + span, self.size)
        if start >= stop:
            return Extent(0 if low < 0 else self.size - 1, 1, span)
        return Extent(start, stop - start, start - low)

    def part(self, tap: int, taps: int) -> Axis:
        """The same axis with only the kernel rows `tap` to `tap + taps - 1`."""
        shift = tap * self.dilation
        lost = (self.kernel - tap - taps) * self.dilation
        before, after = self.pad_before - shift, self.pad_after - lost
        return Axis(self.size, taps, self.stride, before, after, self.dilation)


def split_evenly(total: int, largest: int, unit: int = 1) -> list[tuple[int, int]]:
    """Cut `total` into the fewest even (first, count) pieces of at most `largest`.

    With `unit`, which divides `total`, pieces are multiples of it and `largest` is at least one.
    """
    units = total // unit
    pieces = -(-units // (largest // unit))
    bounds = [units * i // pieces * unit for i in range(pieces + 1)]
    return [(low, high - low) for low, high in pairwise(bounds)]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of output pixels."""

    y: int
    x: int
    h: int
    w: int


def pixel_tiles(
    rows: tuple[int, int], width: int, most: int, least: int, pieces: int = 4
) -> list[Box]:
    """Cut a band of output rows into tiles for one accumulator half.

    Args:
        rows: (first, count) of the band.
        width: pixels in a row.
        most: pixels that fit a tile.
        least: pixels a tile should have, so that the next weights load behind it.
        pieces: how many tiles the band should have at least: the next layer can start on the first
            ones while the last are still in the output stage.

    Returns:
        Tiles in row order. `least` and `pieces` are wishes, `most` is kept.
    """
    first, count = rows
    if width > most:
        columns = split_evenly(width, most)
        return [Box(y, x, 1, w) for y in range(first, first + count) for x, w in columns]
    wished = max(-(-count // pieces), -(-least // width))
    tallest = max(1, min(most // width, wished))
    return [Box(first + y, 0, h, width) for y, h in split_evenly(count, tallest)]
