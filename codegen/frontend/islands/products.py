# SPDX-License-Identifier: Apache-2.0
"""Convolutions and matrix products."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from tvm import relax

from accel.isa import Rounding
from codegen.frontend.arithmetic import float_error
from codegen.frontend.expressions import op_name, shape_of
from codegen.frontend.islands.scope import Island, Scope
from codegen.frontend.islands.shapes import image, reshaped
from codegen.frontend.islands.windows import window_of


def product(scope: Scope, island: Island, behind: Any | None = None) -> Any | None:
    """Convolution or matrix product, the constant `behind` added to it."""
    bias = None if behind is None else scope.constant(behind)
    core, scale_out = island.core, island.target.scale[0]
    if op_name(core) == "relax.matmul" and bias is None:
        found = _product_of_two(scope, island)
        if found is not None:
            return found
    x, weights = scope.activation(core.args[0]), _weights(scope, core)
    if x is None or weights is None:
        return None
    conv = op_name(core) != "relax.matmul"
    if conv:
        x = image(scope, x)
    channels = shape_of(core)[1 if conv else -1]
    scale = np.broadcast_to(x.scale[0] * weights.scale, (channels,))
    if scope.rounding == Rounding.DOUBLE and not conv and weights.scale.size == 1:
        # TFLite multiplies the scales of a dense layer as float32.
        single = np.float32(x.scale[0]) * np.float32(weights.scale[0])
        scale = np.broadcast_to(np.float64(single), channels)
    point = scope.point(scale / scale_out)
    if point is None:
        return None
    real = np.zeros(channels) if bias is None else bias.reshape(-1)
    if real.size not in (1, channels):
        return None
    stored = None if behind is None else scope.steps(behind, scale)
    steps = real / scale if stored is None else stored
    whole = np.rint(np.broadcast_to(steps, (channels,)))
    largest = max(x.zero_point + 128, 127 - x.zero_point)
    if (np.abs(whole) + weights.magnitude * 255 >= 2.0**31).any():
        scope.refuse(island, "its int32 sums can overflow")
        return None
    error = float_error(weights.terms, largest, weights.magnitude, scale / scale_out)
    scope.notes.float_error = max(scope.notes.float_error, error)
    wide = scope.wide(x, "int16")
    constant = relax.const(np.ascontiguousarray(weights.values), "int8")
    if conv:
        acc = _convolved(core, wide, constant)
        shape: tuple[int, ...] = (1, channels, 1, 1)
    else:
        acc = relax.op.matmul(wide, constant, out_dtype="int32")
        shape = (*(1,) * (len(shape_of(x.value)) - 1), channels)
    result = scope.requantize(acc, whole.astype(np.int64), point, shape, island)
    return reshaped(scope, result, shape_of(core), scope.hint(*island.parts))


@dataclass(frozen=True, slots=True)
class _Weights:
    """Constant int8 weights of a product."""

    values: npt.NDArray[np.int8]
    """[O, I / groups, KH, KW], transposed [I, O / groups, KH, KW], or [I, O]."""
    scale: npt.NDArray[np.float64]
    """[O] or [1]."""
    magnitude: npt.NDArray[np.float64]
    """[O] largest sum of absolute values that a result can have."""
    terms: int
    """Most products in a sum."""


def _weights(scope: Scope, core: Any) -> _Weights | None:
    found = scope.weights(core.args[1])
    if found is None:
        return None
    w, scale = found
    if op_name(core) == "relax.matmul":
        return None if w.ndim != 2 else _Weights(w, scale, _sums(w, (0,)), len(w))
    if core.attrs.data_layout not in ("NCHW", "NCW"):
        return None
    if w.ndim == 3:
        w = w[:, :, None, :]
    if op_name(core) != "relax.nn.conv2d_transpose":
        return _Weights(w, scale, _sums(w, (1, 2, 3)), w[0].size)
    stored = scope.quantized(core.args[1])
    if scale.size > 1 and (core.attrs.groups > 1 or stored is None or stored.axis != 1):
        return None
    sums = np.tile(_sums(w, (0, 2, 3)), core.attrs.groups)
    return _Weights(w, scale, sums, w[:, 0].size)


def _sums(w: npt.NDArray[np.int8], axes: tuple[int, ...]) -> npt.NDArray[np.float64]:
    return np.asarray(np.abs(w.astype(np.float64)).sum(axis=axes))


def _convolved(core: Any, x: Any, weight: Any) -> Any:
    strides, padding, dilation = window_of(core.attrs)
    groups = core.attrs.groups
    if op_name(core) != "relax.nn.conv2d_transpose":
        conv = relax.op.nn.conv2d
        return conv(x, weight, strides, padding, dilation, groups, out_dtype="int32")
    extra = core.attrs.output_padding
    up = relax.op.nn.conv2d_transpose
    return up(
        x, weight, strides, padding, extra, dilation, groups, "NCHW", "IOHW", out_dtype="int32"
    )


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
