# SPDX-License-Identifier: Apache-2.0
"""Element-wise ops: sums, products, factors per channel, tables, changes of scale."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
from tvm import relax

from codegen.frontend.affine import affine
from codegen.frontend.arithmetic import add_point, fixed_point
from codegen.frontend.elementwise import NotPointwise, quantized, tabulate
from codegen.frontend.islands.scope import (
    Island,
    Quantized,
    Scope,
    constant_of,
    op_name,
    shape_of,
)

AFFINE_WEIGHT = 64
"""Weight of a factor per channel: offsets are rounded to this part of an input step."""
AFFINE_FINEST = 1 << 16
"""A factor that moves the output by less than this part of a step for an input step is none."""


def add(scope: Scope, island: Island) -> Any | None:
    """Sum or difference of two activations."""
    pair = _pair(scope, island.core)
    if pair is None:
        return None
    a, b, swapped = pair
    out = island.target.scale[0]
    point = add_point(float(a.scale[0] / out), float(b.scale[0] / out))
    if point is None:
        return None
    signs = (1, 1)
    if op_name(island.core) == "relax.subtract":
        signs = (-1, 1) if swapped else (1, -1)
    emit = scope.builder_.emit
    left = emit(relax.op.multiply(scope.wide(a, "int64"), constant_of(signs[0] * point.a, "int64")))
    right = emit(
        relax.op.multiply(scope.wide(b, "int64"), constant_of(signs[1] * point.b, "int64"))
    )
    total = emit(relax.op.add(left, right))
    return scope.finish(total, np.asarray(point.shift, np.int64), island)


def multiply(scope: Scope, island: Island) -> Any | None:
    """Product of two activations."""
    pair = _pair(scope, island.core)
    if pair is None:
        return None
    a, b, _ = pair
    point = fixed_point(np.asarray([a.scale[0] * b.scale[0] / island.target.scale[0]]))
    if point is None:
        return None
    emit = scope.builder_.emit
    product = emit(relax.op.multiply(scope.wide(a, "int32"), scope.wide(b, "int32")))
    wide = emit(relax.op.astype(product, "int64"))
    scaled = emit(relax.op.multiply(wide, constant_of(int(point.multiplier[0]), "int64")))
    return scope.finish(scaled, np.asarray(point.shift[0]), island)


def _pair(scope: Scope, core: Any) -> tuple[Quantized, Quantized, bool] | None:
    """Two activations of one shape, or the second [N, C, 1, 1] against [N, C, H, W].

    The last value says that they were swapped for that.
    """
    a, b = scope.activation(core.args[0]), scope.activation(core.args[1])
    if a is None or b is None:
        return None
    swapped = math.prod(shape_of(a.value)) < math.prod(shape_of(b.value))
    if swapped:
        a, b = b, a
    left, right = shape_of(a.value), shape_of(b.value)
    image = len(left) == 4 and right == (*left[:2], 1, 1)
    return (a, b, swapped) if left == right or image else None


def factors(scope: Scope, island: Island) -> Any | None:
    """A factor and an offset per channel."""
    rank = len(shape_of(island.core))
    found = affine(island.core, rank, scope.bound, scope.is_activation, scope.constant)
    if found is None or max(found.factor.size, found.offset.size) == 1:
        return None
    x = scope.activation(found.leaf)
    assert x is not None
    channels, shape = max(found.factor.size, found.offset.size), shape_of(x.value)
    if shape[1 if len(shape) == 4 else -1] != channels:
        return None
    factor = np.broadcast_to(found.factor, (channels,))
    # An offset is a number of 1 / AFFINE_WEIGHT input steps; without factor, of output steps.
    flat = np.abs(factor) * x.scale[0] < island.target.scale[0] / AFFINE_FINEST
    step = np.where(flat, island.target.scale[0], np.abs(factor) * x.scale[0]) / AFFINE_WEIGHT
    whole = np.rint(np.broadcast_to(found.offset, (channels,)) / step)
    point = fixed_point(step / island.target.scale[0])
    if point is None or (np.abs(whole) + AFFINE_WEIGHT * 255 >= 2.0**31).any():
        return None
    weights = np.where(flat, 0, np.sign(factor) * AFFINE_WEIGHT).astype(np.int8)
    form = (1, channels, 1, 1) if len(shape) == 4 else (*(1,) * (len(shape) - 1), channels)
    acc = relax.op.multiply(scope.wide(x, "int32"), constant_of(weights.reshape(form), "int32"))
    return scope.requantize(acc, whole.astype(np.int64), point, form, island)


def table(scope: Scope, value: Any, target: Quantized) -> Any | None:
    """Any function of one activation's values."""
    try:
        x, results = tabulate(value, scope.bound, partial(_leaf, scope))
        results_by_value = quantized(results, target.scale[0], target.zero_point)
    except NotPointwise:
        return None
    emit = scope.builder_.emit
    index = emit(relax.op.add(emit(relax.op.astype(x, "int32")), constant_of(128, "int32")))
    looked_up = relax.op.take(relax.const(results_by_value, "int8"), index, axis=0, mode="clip")
    return emit(looked_up, name_hint=scope.hint(value))


def _leaf(scope: Scope, call: Any) -> tuple[Any, float, int] | None:
    x = scope.activation(call)
    return None if x is None else (x.value, float(x.scale[0]), x.zero_point)


def rescale(scope: Scope, island: Island) -> Any | None:
    """quantize(clip(dequantize(x))): nothing, a clip, or a change of scale."""
    x = scope.activation(island.core)
    return None if x is None else scope.same_or_rescaled(x, island)
