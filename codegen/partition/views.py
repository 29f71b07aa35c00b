# SPDX-License-Identifier: Apache-2.0
"""How Relax values are seen as tensors of the neutral graph.

A value is `host.transpose(axes).reshape(shape)`: an image [N, C, H, W] channels last, rows
[..., C] as [rows, 1, 1, C], the heads of an attention [N, heads, M, C] as rows of all heads'
channels. Splitting and merging heads moves no data then.

    x [1, 64, 128] -> reshape [1, 64, 4, 32] -> transpose [1, 4, 64, 32]:   64 rows of 128, always
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from codegen import ir

NCHW_TO_NHWC = (0, 2, 3, 1)
HEADS = (0, 2, 1, 3)
"""[N, heads, M, C]: rows of heads x C channels."""
TRANSPOSED_HEADS = (0, 3, 1, 2)
"""[N, heads, C, M]: the same rows, seen with each head transposed."""
Axes = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class View:
    """A Relax value and the tensor that holds it."""

    tensor: str
    axes: Axes


def default_axes(rank: int) -> Axes:
    """An image for rank 4, rows for others."""
    return NCHW_TO_NHWC if rank == 4 else tuple(range(rank))


def shape_under(axes: Axes, host: tuple[int, ...]) -> ir.Shape:
    """Shape of the tensor that holds a value of shape `host`."""
    if axes == NCHW_TO_NHWC:
        n, c, h, w = host
        return n, h, w, c
    moved = [host[axis] for axis in axes]
    channels = prod(moved[2:]) if len(axes) == 4 else moved[-1]
    return prod(moved) // channels, 1, 1, channels


def head_axes(rank: int) -> Axes:
    """Of an operand or the result of a product of activations."""
    return HEADS if rank == 4 else tuple(range(rank))


def tensor_axis(axes: Axes, host: tuple[int, ...], axis: int) -> int | None:
    """The axis of the tensor [N, H, W, C] that is axis `axis` of the value; None if there is none.

    Rows are stacked in the tensor's first axis, so only the outermost of theirs is one.
    """
    axis %= len(host)
    if axes == NCHW_TO_NHWC:
        return axes.index(axis)
    if axis == len(host) - 1:
        return 3
    return 0 if prod(host[:axis]) == 1 else None
