# SPDX-License-Identifier: Apache-2.0
"""Reductions of windows."""

from __future__ import annotations

from typing import Any

import numpy as np
from tvm import relax

from codegen.frontend.arithmetic import fixed_point
from codegen.frontend.islands.scope import Island, Quantized, Scope, shape_of


def mean(scope: Scope, island: Island) -> Any | None:
    """Global average pool: mean over both image axes."""
    x = scope.activation(island.core.args[0])
    axes = island.core.attrs.axis
    if x is None or axes is None or len(shape_of(x.value)) != 4 or not island.core.attrs.keepdims:
        return None
    if sorted(int(a) % 4 for a in axes) != [2, 3]:
        return None
    _, _, h, w = shape_of(x.value)
    point = fixed_point(np.asarray([x.scale[0] / (island.target.scale[0] * h * w)]))
    if point is None:
        return None
    wide = scope.wide(x, "int32")
    total = relax.op.sum(wide, axis=[2, 3], keepdims=True)
    zero = np.zeros(1, np.int64)
    return scope.requantize(total, zero, point, (1, 1, 1, 1), island)


def average(scope: Scope, island: Island) -> Any | None:
    """Average pool as a depthwise convolution with ones; exact where every window is full."""
    x, a = scope.activation(island.core.args[0]), island.core.attrs
    padded = any(int(p) for p in a.padding)
    if x is None or a.ceil_mode or (padded and not a.count_include_pad):
        scope.notes.refused[scope.hint(*island.parts)] = (
            "its windows average different pixel counts"
        )
        return None
    channels = shape_of(x.value)[1]
    kernel = tuple(int(k) for k in a.pool_size)
    point = fixed_point(np.asarray([x.scale[0] / (island.target.scale[0] * kernel[0] * kernel[1])]))
    if point is None:
        return None
    ones = relax.const(np.ones((channels, 1, *kernel), np.int8), "int8")
    acc = relax.op.nn.conv2d(
        scope.wide(x, "int16"),
        ones,
        a.strides,
        a.padding,
        a.dilation,
        channels,
        out_dtype="int32",
    )
    zero = np.zeros(1, np.int64)
    return scope.requantize(acc, zero, point, (1, 1, 1, 1), island)


def maximum(scope: Scope, island: Island) -> Any | None:
    """Max pool keeps the scale; a change of scale becomes a rescale behind it."""
    x, a = scope.activation(island.core.args[0]), island.core.attrs
    if x is None or island.core.attrs.ceil_mode:
        return None
    pooled = relax.op.nn.max_pool2d(x.value, a.pool_size, a.strides, a.padding, a.dilation)
    same = scope.builder_.emit(pooled, name_hint=scope.hint(*island.parts))
    return scope.same_or_rescaled(Quantized(same, x.scale, x.zero_point, 0), island)
