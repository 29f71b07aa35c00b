# SPDX-License-Identifier: Apache-2.0
"""TFLite operators that move values, as ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tflite

from accel.errors import ModelError
from codegen.frontend.tflite.read import Operator
from codegen.frontend.tflite.writer import (
    TO_CHANNELS_LAST,
    TO_CHANNELS_SECOND,
    Writer,
    axis_of,
    sizes_of,
)

FLATTENED_BY = "FULLY_CONNECTED"
CONVOLUTIONS = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D"})


def _ints(w: Writer, values: Sequence[int]) -> str:
    return w.constant(np.asarray(values, np.int64))


def _plain(shape: Sequence[int]) -> bool:
    """Whether both layouts have the same order of values."""
    return len(shape) != 4 or shape[3] == 1 or shape[1] * shape[2] == 1


def reshape(w: Writer, op: Operator) -> None:
    """RESHAPE, SQUEEZE, EXPAND_DIMS: the output's shape says it all.

    A flattened image that only dense layers read keeps our order; their weights follow.
    """
    source, target = w.tensor(op.inputs[0]), w.tensor(op.outputs[0])
    before, after = source.shape, target.shape
    x = w.value(source.index)
    if not _plain(before):
        readers = w.graph.readers(target.index)
        dense = readers and all(
            r.code == FLATTENED_BY and r.inputs[0] == target.index for r in readers
        )
        rows = len(after) == 2 and after[0] == before[0]
        if dense and rows and target.index not in w.graph.outputs:
            w.flat[target.index] = before[1], before[2], before[3]
        else:
            x = w.emit("Transpose", [x], perm=TO_CHANNELS_LAST)
    if _plain(after):
        y = w.emit("Reshape", [x, _ints(w, sizes_of(after))])
    else:
        y = w.emit("Reshape", [x, _ints(w, after)])
        y = w.emit("Transpose", [y], perm=TO_CHANNELS_SECOND)
    w.finish(y, target.index)


def transpose(w: Writer, op: Operator) -> None:
    """A permutation of axes."""
    axes = w.numbers(op.inputs[1], "permutation")
    if len(axes) == 4:
        axes = [TO_CHANNELS_SECOND.index(axes[axis]) for axis in TO_CHANNELS_SECOND]
    w.finish(w.emit("Transpose", [w.value(op.inputs[0])], perm=axes), op.outputs[0])


def pad(w: Writer, op: Operator) -> None:
    """PAD, PADV2. Zeros around an image belong to the convolutions that read it."""
    source, target = w.tensor(op.inputs[0]), w.tensor(op.outputs[0])
    amounts = np.asarray(w.numbers(op.inputs[1], "padding")).reshape(-1, 2)
    readers = w.graph.readers(target.index)
    spatial = len(amounts) == 4 and not amounts[0].any() and not amounts[3].any()
    convolved = readers and all(r.code in CONVOLUTIONS for r in readers)
    if spatial and convolved and len(op.inputs) == 2 and target.index not in w.graph.outputs:
        around = amounts[1][0], amounts[2][0], amounts[1][1], amounts[2][1]
        w.padded[target.index] = source.index, tuple(int(a) for a in around)
        return
    if len(amounts) == 4:
        amounts = amounts[list(TO_CHANNELS_SECOND)]
    value = w.value(op.inputs[2]) if len(op.inputs) == 3 else w.constant(np.zeros((), np.float32))
    if len(op.inputs) == 3 and w.tensor(op.inputs[2]).shape:
        value = w.emit("Reshape", [value, _ints(w, [])])
    x = w.value(source.index)
    y = w.emit("Pad", [x, _ints(w, [*amounts[:, 0], *amounts[:, 1]]), value])
    w.finish(y, target.index)


def concatenation(w: Writer, op: Operator) -> None:
    """Along an axis."""
    options = op.options(tflite.ConcatenationOptions)
    rank = len(w.tensor(op.outputs[0]).shape)
    parts = [w.value(index) for index in op.inputs]
    y = w.emit("Concat", parts, axis=axis_of(options.Axis(), rank))
    w.finish(y, op.outputs[0], options.FusedActivationFunction())


def resize_nearest_neighbor(w: Writer, op: Operator) -> None:
    """To the output's size."""
    options = op.options(tflite.ResizeNearestNeighborOptions)
    before, after = w.tensor(op.inputs[0]).shape, w.tensor(op.outputs[0]).shape
    whole = all(b % a == 0 for a, b in zip(before[1:3], after[1:3], strict=True))
    how: dict[str, Any] = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    if options.AlignCorners():
        how = {
            "coordinate_transformation_mode": "align_corners",
            "nearest_mode": "round_prefer_ceil",
        }
    elif options.HalfPixelCenters() and not whole:
        how = {"coordinate_transformation_mode": "half_pixel", "nearest_mode": "round_prefer_ceil"}
    sizes = _ints(w, sizes_of(after))
    y = w.emit("Resize", [w.value(op.inputs[0]), "", "", sizes], mode="nearest", **how)
    w.finish(y, op.outputs[0])


def _slice(w: Writer, x: str, bounds: Sequence[tuple[int, int, int]]) -> str:
    """[begin, end) with a step, for every axis of TFLite's order."""
    axes = [axis_of(axis, len(bounds)) for axis in range(len(bounds))]
    begins, ends, steps = zip(*bounds, strict=True)
    return w.emit("Slice", [x, *(_ints(w, v) for v in (begins, ends, axes, steps))])


def strided_slice(w: Writer, op: Operator) -> None:
    """Constant bounds; an index instead of a range drops its axis."""
    options = op.options(tflite.StridedSliceOptions)
    if options.EllipsisMask() or options.NewAxisMask() or options.Offset():
        raise ModelError("it has an ellipsis, new axes or offsets: write out all ranges")
    shape, out = w.tensor(op.inputs[0]).shape, w.tensor(op.outputs[0]).shape
    begins, ends, steps = (
        w.numbers(op.inputs[i], what) for i, what in ((1, "begin"), (2, "end"), (3, "strides"))
    )
    bounds = []
    for axis, size in enumerate(shape):
        if axis >= len(begins):
            bounds.append((0, size, 1))
            continue
        bit, step = 1 << axis, steps[axis]
        if step < 1:
            raise ModelError(f"its stride {step} is not positive")
        begin = 0 if options.BeginMask() & bit else begins[axis] % size
        end = size if options.EndMask() & bit or ends[axis] >= size else ends[axis]
        end = end + size if end < 0 else end
        bounds.append(
            (begin, begin + 1, 1) if options.ShrinkAxisMask() & bit else (begin, end, step)
        )
    y = _slice(w, w.value(op.inputs[0]), bounds)
    if len(out) != len(shape):
        if len(shape) == 4:
            y = w.emit("Transpose", [y], perm=TO_CHANNELS_LAST)
        y = w.emit("Reshape", [y, _ints(w, out)])
    w.finish(y, op.outputs[0])


def split(w: Writer, op: Operator) -> None:
    """Equal parts along a constant axis."""
    shape = w.tensor(op.inputs[1]).shape
    axis = w.numbers(op.inputs[0], "axis")[0] % len(shape)
    size = shape[axis] // len(op.outputs)
    x = w.value(op.inputs[1])
    for position, index in enumerate(op.outputs):
        bounds = [(0, s, 1) for s in shape]
        bounds[axis] = (position * size, (position + 1) * size, 1)
        w.finish(_slice(w, x, bounds), index)
