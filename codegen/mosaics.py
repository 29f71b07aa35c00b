# SPDX-License-Identifier: Apache-2.0
"""Ops that are several: transposed convolution, repeated pixels, averages of different windows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import numpy.typing as npt

from codegen import ir
from codegen.bands import POINT


@dataclass(frozen=True, slots=True)
class _Phase:
    """Output rows (or pixels) first, first + stride ... and the kernel taps that reach them."""

    first: int
    size: int
    taps: tuple[int, ...]
    """In the order of the input rows; none where no tap does."""
    pad: int
    """Input rows before the first that the window of output row `first` begins."""


def _phases(outputs: int, window: ir.Window2d, axis: int) -> Iterator[_Phase]:
    """Output o gets tap t of input (o + pad - t * dilation) / stride, where that is whole."""
    kernel, stride = window.kernel[axis], window.stride[axis]
    pad, dilation = window.padding[axis], window.dilation[axis]
    for first in range(min(stride, outputs)):
        size = -(-(outputs - first) // stride)
        taps = [t for t in range(kernel) if (first + pad - t * dilation) % stride == 0]
        taps.reverse()
        begin = (first + pad - taps[0] * dilation) // stride if taps else 0
        yield _Phase(first, size, tuple(taps), -begin)


def transposed(conv: ir.Conv, outputs: tuple[int, int], zero_point: int) -> ir.Mosaic:
    """A transposed convolution as stride x stride convolutions.

    Args:
        conv: its window is that of the transposed convolution; the bias holds no zero point.
        outputs: rows and pixels of the result.
        zero_point: of the input.
    """
    window = conv.window
    pairs = [list(_phases(size, window, axis)) for axis, size in enumerate(outputs)]
    patches = []
    for rows, pixels in product(*pairs):
        taps = conv.weight[:, list(rows.taps)][:, :, list(pixels.taps)]
        if not taps.size:  # no tap reaches these pixels
            taps = np.zeros((len(conv.weight), 1, 1, conv.weight.shape[3]), np.int8)
        sums = taps.astype(np.int64).sum(axis=(1, 2, 3))
        bias = (conv.requant.bias - zero_point * sums).astype(np.int32)
        # Taps of a phase are `dilation / gcd(stride, dilation)` input rows apart.
        apart = [
            d // int(np.gcd(s, d)) for s, d in zip(window.stride, window.dilation, strict=True)
        ]
        own = ir.Window2d(
            (taps.shape[1], taps.shape[2]),
            padding=(rows.pad, pixels.pad, 0, 0),
            dilation=(apart[0], apart[1]),
        )
        op = replace(
            conv,
            weight=np.ascontiguousarray(taps),
            window=own,
            requant=replace(conv.requant, bias=bias),
        )
        first, size = (rows.first, pixels.first), (rows.size, pixels.size)
        patches.append(ir.Patch(first, window.stride, size, op))
    return ir.Mosaic(conv.name, conv.source, conv.input, conv.output, tuple(patches))


def repeated(copy: ir.Pool, size: tuple[int, int], factors: tuple[int, int]) -> ir.Mosaic:
    """Every pixel of the input, `size` of them, repeated along rows and columns."""
    corners = product(range(factors[0]), range(factors[1]))
    patches = tuple(ir.Patch(corner, factors, size, copy) for corner in corners)
    return ir.Mosaic(copy.name, copy.source, copy.input, copy.output, patches)


def uneven_average(
    pool: ir.Pool,
    multiplier: npt.NDArray[np.int64],
    shift: npt.NDArray[np.int64],
    zero_point: int,
    input_size: tuple[int, int],
) -> ir.Mosaic:
    """An average pool whose windows have different numbers of pixels: a patch for each rectangle.

    Args:
        pool: what all patches share.
        multiplier: [OH, OW].
        shift: [OH, OW].
        zero_point: of the input.
        input_size: rows and pixels of the input.
    """
    window = pool.window
    counts = [
        _valid(size, outputs, window, axis)
        for axis, (size, outputs) in enumerate(zip(input_size, multiplier.shape, strict=True))
    ]
    patches = []
    for (y, h), (x, w) in product(*map(_runs, counts)):
        pixels = int(counts[0][y] * counts[1][x])
        requant = replace(
            pool.requant,
            bias=np.asarray([-zero_point * pixels], np.int32),
            multiplier=multiplier[y, x].reshape(1).astype(np.int32),
            shift=shift[y, x].reshape(1).astype(np.uint8),
        )
        before = (
            window.padding[0] - y * window.stride[0],
            window.padding[1] - x * window.stride[1],
        )
        own = replace(window, padding=(*before, 0, 0))
        op = replace(pool, window=own, requant=requant)
        patches.append(ir.Patch((y, x), (1, 1), (h, w), op))
    return ir.Mosaic(pool.name, pool.source, pool.input, pool.output, tuple(patches))


def _valid(size: int, outputs: int, window: ir.Window2d, axis: int) -> npt.NDArray[np.int64]:
    """Pixels along one axis that each window has."""
    first = np.arange(outputs) * window.stride[axis] - window.padding[axis]
    taps = first[:, None] + np.arange(window.kernel[axis]) * window.dilation[axis]
    return np.asarray(((taps >= 0) & (taps < size)).sum(axis=1), np.int64)


def _runs(counts: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    """(first, length) of runs of equal values."""
    starts = [0, *(int(i) + 1 for i in np.flatnonzero(np.diff(counts)))]
    return [(a, b - a) for a, b in zip(starts, [*starts[1:], len(counts)], strict=True)]


def copy_of(name: str, source: ir.Source, tensor: str, output: str) -> ir.Pool:
    """An op that changes nothing."""
    return ir.Pool(name, source, tensor, output, ir.PoolKind.MAX, POINT, ir.clipping())
