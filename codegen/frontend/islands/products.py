# SPDX-License-Identifier: Apache-2.0
"""Convolutions and matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np
from tvm import relax

from accel.isa import Rounding
from codegen.frontend.arithmetic import float_error
from codegen.frontend.islands.scope import Island, Scope, op_name, shape_of
from codegen.frontend.islands.shapes import image, reshaped
from codegen.frontend.islands.windows import window_of


def product(scope: Scope, island: Island, behind: Any | None = None) -> Any | None:
    """Convolution or matrix product, the constant `behind` added to it."""
    bias = None if behind is None else scope.constant(behind)
    core, scale_out = island.core, island.target.scale[0]
    form = op_name(core)
    if form == "relax.matmul" and bias is None:
        found = _product_of_two(scope, island)
        if found is not None:
            return found
    x, weights = scope.activation(core.args[0]), scope.weights(core.args[1])
    if x is None or weights is None:
        return None
    w, w_scale = weights
    conv, flat = form != "relax.matmul", form == "relax.nn.conv1d"
    if conv and core.attrs.data_layout not in ("NCHW", "NCW"):
        return None
    if flat:
        x, w = image(scope, x), w[:, :, None, :]
    if not conv and w.ndim != 2:
        return None
    channels = w.shape[0] if conv else w.shape[1]
    scale = np.broadcast_to(x.scale[0] * w_scale, (channels,))
    if scope.rounding == Rounding.DOUBLE and not conv and w_scale.size == 1:
        # TFLite multiplies the scales of a dense layer as float32.
        scale = np.broadcast_to(
            np.float64(np.float32(x.scale[0]) * np.float32(w_scale[0])), channels
        )
    point = scope.point(scale / scale_out)
    if point is None:
        return None
    real = np.zeros(channels) if bias is None else bias.reshape(-1)
    if real.size not in (1, channels):
        return None
    stored = None if behind is None else scope.steps(behind, scale)
    steps = real / scale if stored is None else stored
    whole = np.rint(np.broadcast_to(steps, (channels,)))
    magnitude = np.abs(w.astype(np.float64)).sum(axis=(1, 2, 3) if conv else 0)
    largest = max(x.zero_point + 128, 127 - x.zero_point)
    if (np.abs(whole) + magnitude * 255 >= 2.0**31).any():
        scope.notes.refused[scope.hint(*island.parts)] = "its int32 sums can overflow"
        return None
    terms = w[0].size if conv else w.shape[0]
    error = float_error(terms, largest, magnitude, scale / scale_out)
    scope.notes.float_error = max(scope.notes.float_error, error)
    wide = scope.wide(x, "int16")
    weight = relax.const(np.ascontiguousarray(w), "int8")
    if conv:
        window = window_of(core.attrs)
        acc = relax.op.nn.conv2d(wide, weight, *window, core.attrs.groups, out_dtype="int32")
        shape: tuple[int, ...] = (1, channels, 1, 1)
    else:
        acc = relax.op.matmul(wide, weight, out_dtype="int32")
        shape = (*(1,) * (len(shape_of(x.value)) - 1), channels)
    result = scope.requantize(acc, whole.astype(np.int64), point, shape, island)
    return reshaped(scope, result, shape_of(core), scope.hint(*island.parts)) if flat else result


def _product_of_two(scope: Scope, island: Island) -> Any | None:
    """Matrix product of two activations, batch by batch."""
    a, b = scope.activation(island.core.args[0]), scope.activation(island.core.args[1])
    if a is None or b is None or shape_of(a.value)[:-2] != shape_of(b.value)[:-2]:
        return None
    inner = shape_of(a.value)[-1]
    scale = np.asarray([a.scale[0] * b.scale[0]])
    point = scope.point(scale / island.target.scale[0])
    if point is None or inner * 255.0**2 >= 2.0**31:
        return None
    sums = np.asarray([inner * 255.0])
    error = float_error(inner, 255, sums, scale / island.target.scale[0])
    scope.notes.float_error = max(scope.notes.float_error, error)
    left, right = scope.wide(a, "int16"), scope.wide(b, "int16")
    acc = relax.op.matmul(left, right, out_dtype="int32")
    ones = (1,) * len(shape_of(a.value))
    return scope.requantize(acc, np.zeros(1, np.int64), point, ones, island)
