# SPDX-License-Identifier: Apache-2.0
"""Reductions of windows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from tvm import relax

from accel.isa import Rounding
from codegen.frontend.arithmetic import away_point, fixed_point, mean_point
from codegen.frontend.expressions import shape_of
from codegen.frontend.islands.scope import Island, Quantized, Scope
from codegen.frontend.islands.shapes import image, lifted, reshaped
from codegen.frontend.islands.windows import pair, window_of


def mean(scope: Scope, island: Island) -> Any | None:
    """Mean over image axes; of a one-dimensional image over its length."""
    x, core = scope.activation(island.core.args[0]), island.core
    if x is None or core.attrs.axis is None:
        return None
    rank = len(shape_of(x.value))
    axes = sorted(int(axis) % rank for axis in core.attrs.axis)
    if rank == 3 and axes == [1] and lifted(scope, x) is None:  # of rows [N, M, C]
        x, axes = _columns(scope, x), [2]
    elif rank == 3 and axes == [2]:
        x, axes = image(scope, x), [3]
    elif rank != 4 or not set(axes) <= {2, 3}:
        scope.refuse(island, f"mean over axes {axes} of {rank}: only image axes, from the third on")
        return None
    count = int(np.prod([shape_of(x.value)[axis] for axis in axes]))
    scale = x.scale[0] / island.target.scale[0]
    if scope.rounding == Rounding.DOUBLE:
        point = mean_point(float(scale), count)
    else:
        point = fixed_point(np.asarray([scale / count]))
    if point is None:
        return None
    total = relax.op.sum(scope.wide(x, "int32"), axis=axes, keepdims=True)
    result = scope.requantize(total, np.zeros(1, np.int64), point, (1, 1, 1, 1), island)
    return reshaped(scope, result, shape_of(core), scope.hint(*island.parts))


def _columns(scope: Scope, x: Quantized) -> Quantized:
    """Rows [N, M, C] as an image [N, C, M, 1]."""
    n, rows, channels = shape_of(x.value)
    moved = scope.builder_.emit(relax.op.permute_dims(x.value, [0, 2, 1]))
    columns = relax.op.reshape(moved, (n, channels, rows, 1))
    return replace(x, value=scope.builder_.emit(columns))


def average(scope: Scope, island: Island) -> Any | None:
    """Average pool as a depthwise convolution with ones; a divisor per pixel where they differ."""
    x, attrs = scope.activation(island.core.args[0]), island.core.attrs
    if x is None:
        return None
    x = image(scope, x)
    channels, kernel = shape_of(x.value)[1], pair(attrs.pool_size)
    strides, padding, dilation = _window(x, island.core)
    divisors = np.full((1, 1), float(kernel[0] * kernel[1]))
    if not attrs.count_include_pad and any(padding):
        divisors = _pixels(shape_of(x.value)[2:], kernel, strides, padding, dilation)
        if (divisors == divisors[0, 0]).all():
            divisors = divisors[:1, :1]
    counts, target = divisors.astype(np.int64), island.target
    bias = np.zeros(counts.shape, np.int64)
    if scope.rounding == Rounding.DOUBLE and _same(x, target):
        # TFLite divides the sum of the stored values, half away from zero.
        point, bias = away_point(counts), counts * x.zero_point
        island = replace(island, target=replace(target, zero_point=0))
    else:
        point = scope.point(x.scale[0] / (target.scale[0] * divisors))
    if point is None:
        return None
    ones = relax.const(np.ones((channels, 1, *kernel), np.int8), "int8")
    acc = relax.op.nn.conv2d(
        scope.wide(x, "int16"), ones, strides, padding, dilation, channels, out_dtype="int32"
    )
    result = scope.requantize(acc, bias, point, (1, 1, *divisors.shape), island)
    return reshaped(scope, result, shape_of(island.core), scope.hint(*island.parts))


def _same(x: Quantized, target: Quantized) -> bool:
    """Whether both mean the same by a value."""
    equal = np.float32(x.scale[0]) == np.float32(target.scale[0])
    return bool(equal) and x.zero_point == target.zero_point


def maximum(scope: Scope, island: Island) -> Any | None:
    """Max pool keeps the scale; a change of scale becomes a rescale behind it."""
    x = scope.activation(island.core.args[0])
    if x is None:
        return None
    x = image(scope, x)
    kernel, hint = pair(island.core.attrs.pool_size), scope.hint(*island.parts)
    pooled = relax.op.nn.max_pool2d(x.value, kernel, *_window(x, island.core))
    same = scope.builder_.emit(pooled, name_hint=hint)
    result = scope.same_or_rescaled(Quantized(same, x.scale, x.zero_point, 0), island)
    return None if result is None else reshaped(scope, result, shape_of(island.core), hint)


def _window(x: Quantized, core: Any) -> tuple[list[int], list[int], list[int]]:
    """Strides, padding and dilation; in ceil mode with the padding that its last windows reach."""
    strides, padding, dilation = window_of(core.attrs)
    outputs, kernel = pair(shape_of(core)[2:]), pair(core.attrs.pool_size)
    for axis, size in enumerate(shape_of(x.value)[2:]):
        reach = (kernel[axis] - 1) * dilation[axis] + 1
        end = (outputs[axis] - 1) * strides[axis] + reach - padding[axis] - size
        padding[axis + 2] = max(padding[axis + 2], end)
    return strides, padding, dilation


def _pixels(
    sizes: tuple[int, ...],
    kernel: list[int],
    strides: list[int],
    padding: list[int],
    dilation: list[int],
) -> npt.NDArray[np.float64]:
    """How many pixels each window has that are no padding, [OH, OW]."""
    counts = []
    for axis, size in enumerate(sizes):
        reach = (kernel[axis] - 1) * dilation[axis] + 1
        span = size + padding[axis] + padding[axis + 2] - reach
        first = np.arange(0, span + 1, strides[axis])[:, None] - padding[axis]
        taps = first + np.arange(kernel[axis]) * dilation[axis]
        counts.append(((taps >= 0) & (taps < size)).sum(axis=1))
    return np.asarray(np.maximum(np.outer(*counts), 1), np.float64)
