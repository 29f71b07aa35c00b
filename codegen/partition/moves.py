# SPDX-License-Identifier: Apache-2.0
"""Moves of the neutral graph from matched patterns: joined tensors, and what is taken of one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from codegen.moves import CHANNEL, Concat, Move, Recast, Take
from codegen.partition.values import Parts, array, shape_of
from codegen.partition.views import Axes, tensor_axis

RECASTS = frozenset({"image_to_rows", "flat_image_to_rows", "rows_to_image"})
MOVES = frozenset({"concat", "take", "channel_shuffle"}) | RECASTS
"""Patterns that are moves."""


def build_move(
    kind: str,
    parts: Parts,
    axes: Axes,
    node: str,
    names: Mapping[str, str],
    output: str,
    before: int,
) -> Move:
    """Make the move.

    Args:
        kind: name of the pattern.
        parts: matched expressions by the pattern's part names.
        axes: how its operands are seen.
        node: where it comes from.
        names: operand part -> tensor name.
        output: tensor name of the result.
        before: number of the graph's ops before it.
    """
    if kind in RECASTS:
        return Recast(node, names["x"], output, before)
    if kind == "channel_shuffle":
        return Take(node, names["x"], output, CHANNEL, shuffled(parts), before)
    axis = moved_axis(kind, parts, axes)
    assert axis is not None, "partition/legality.py refuses others"
    if kind == "concat":
        return Concat(node, (names["a"], names["b"]), output, axis, before)
    return Take(node, names["x"], output, axis, taken(parts, axes), before)


def moved_axis(kind: str, parts: Parts, axes: Axes) -> int | None:
    """Axis of the tensors; None where it is none of theirs."""
    shape = shape_of(parts["a" if kind == "concat" else "x"])
    return tensor_axis(axes, shape, int(parts["core"].attrs.axis))


def taken(parts: Parts, axes: Axes) -> tuple[int, ...]:
    """Indices along the tensor's axis: rows of an outer axis are several of it."""
    shape, axis = shape_of(parts["x"]), int(parts["core"].attrs.axis)
    indices = np.asarray(array(parts["indices"]).reshape(-1))
    if len(axes) == 4 or axis % len(shape) == len(shape) - 1:
        return tuple(indices.tolist())
    inner = int(np.prod(shape[axis % len(shape) + 1 : -1]))
    return tuple((indices[:, None] * inner + np.arange(inner)).reshape(-1).tolist())


def shuffled(parts: Parts) -> tuple[int, ...]:
    """Where each channel of a shuffle comes from: groups of channels, transposed."""
    _, groups, each, *_ = shape_of(parts["split"])
    return tuple(np.arange(groups * each).reshape(groups, each).T.reshape(-1).tolist())


def recasts(kind: str, parts: Parts) -> bool:
    """Whether an image [N, C, H, W] becomes rows [N, H * W, C], or rows an image."""
    before, after = shape_of(parts["x"]), shape_of(parts["core"])
    moved = parts["core" if kind == "flat_image_to_rows" else "between"]
    axes = tuple(int(axis) for axis in moved.attrs.axes or ())
    image, rows = (after, before) if kind == "rows_to_image" else (before, after)
    if len(image) != 4 or len(rows) != 3 or rows != (image[0], image[2] * image[3], image[1]):
        return False
    between = shape_of(parts["between"])
    if kind == "image_to_rows":
        return axes == (0, 2, 3, 1)
    return axes == (0, 2, 1) and between == ((image[0], image[1], image[2] * image[3]))
