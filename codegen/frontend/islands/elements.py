# SPDX-License-Identifier: Apache-2.0
"""Element-wise ops: sums, products, factors per channel, tables, changes of scale."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from tvm import relax

from accel.isa import Rounding
from accel.numerics import ADD_HEADROOM
from codegen.frontend.affine import affine
from codegen.frontend.arithmetic import add_point, twice_point
from codegen.frontend.elementwise import NotPointwise, quantized, tabulate
from codegen.frontend.expressions import op_name, shape_of
from codegen.frontend.islands.scope import Island, Quantized, Scope, constant_of
from codegen.frontend.islands.shapes import along, image, lifted, reshaped
from codegen.frontend.islands.tflite_tables import integer_table

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
    if scope.rounding == Rounding.DOUBLE:
        return _add_twice(scope, island, a, b, swapped=swapped)
    out = island.target.scale[0]
    point = add_point(float(a.scale[0] / out), float(b.scale[0] / out))
    if point is None:
        return None
    signs = (1, 1)
    if op_name(island.core) == "relax.subtract":
        signs = (-1, 1) if swapped else (1, -1)
    emit = scope.builder_.emit
    factors = signs[0] * point.a, signs[1] * point.b
    left, right = (
        emit(relax.op.multiply(scope.wide(x, "int64"), constant_of(factor, "int64")))
        for x, factor in zip((a, b), factors, strict=True)
    )
    total = emit(relax.op.add(left, right))
    result = scope.finish(total, np.asarray(point.shift, np.int64), island)
    return reshaped(scope, result, shape_of(island.core), scope.hint(*island.parts))


def _add_twice(
    scope: Scope, island: Island, a: Quantized, b: Quantized, *, swapped: bool
) -> Any | None:
    """Sum or difference as TFLite-Micro computes it: `numerics.rescale_add_twice`."""
    subtract = op_name(island.core) == "relax.subtract"
    point = twice_point(float(a.scale[0]), float(b.scale[0]), float(island.target.scale[0]))
    if subtract and swapped:
        scope.refuse(island, "a broadcast tensor less a whole one has no form that rounds twice")
        return None
    if point is None:
        return None
    emit = scope.builder_.emit
    terms = []
    for x, (multiplier, shift) in ((a, point.a), (b, point.b)):
        factor = constant_of(multiplier << ADD_HEADROOM, "int64")
        product = emit(relax.op.multiply(scope.wide(x, "int64"), factor))
        terms.append(scope.shifted_twice(product, np.asarray(31 + shift)))
    total = emit(relax.op.subtract(*terms) if subtract else relax.op.add(*terms))
    scaled = emit(relax.op.multiply(total, constant_of(point.total[0], "int64")))
    return scope.finish(scaled, np.asarray(point.total[1]), island)


def multiply(scope: Scope, island: Island) -> Any | None:
    """Product of two activations."""
    pair = _pair(scope, island.core)
    if pair is None:
        return None
    a, b, _ = pair
    point = scope.point(np.asarray([a.scale[0] * b.scale[0] / island.target.scale[0]]))
    if point is None:
        return None
    emit = scope.builder_.emit
    product = emit(relax.op.multiply(scope.wide(a, "int32"), scope.wide(b, "int32")))
    wide = emit(relax.op.astype(product, "int64"))
    scaled = emit(relax.op.multiply(wide, constant_of(int(point.multiplier[0]), "int64")))
    result = scope.finish(scaled, np.asarray(point.shift[0]), island)
    return reshaped(scope, result, shape_of(island.core), scope.hint(*island.parts))


def _pair(scope: Scope, core: Any) -> tuple[Quantized, Quantized, bool] | None:
    """Two activations of one shape, or the second [N, C, 1, 1] against [N, C, H, W].

    The last value says that they were swapped for that. What was an image before a reshape is one.
    """
    a, b = scope.activation(core.args[0]), scope.activation(core.args[1])
    if a is None or b is None:
        return None
    images = lifted(scope, a), lifted(scope, b)
    if len(shape_of(a.value)) == len(shape_of(b.value)) == 3 and any(images):
        a, b = image(scope, a), image(scope, b)
    elif images[0] and images[1] and shape_of(images[0].value) == shape_of(images[1].value):
        a, b = images[0], images[1]
    swapped = math.prod(shape_of(a.value)) < math.prod(shape_of(b.value))
    if swapped:
        a, b = b, a
    left, right = shape_of(a.value), shape_of(b.value)
    flat = len(left) == 4 and right == (*left[:2], 1, 1)
    return (a, b, swapped) if left == right or flat else None


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
    point = scope.point(step / island.target.scale[0])
    if point is None or (np.abs(whole) + AFFINE_WEIGHT * 255 >= 2.0**31).any():
        return None
    weights = np.where(flat, 0, np.sign(factor) * AFFINE_WEIGHT).astype(np.int8)
    form = (1, channels, 1, 1) if len(shape) == 4 else (*(1,) * (len(shape) - 1), channels)
    acc = relax.op.multiply(scope.wide(x, "int32"), constant_of(weights.reshape(form), "int32"))
    return scope.requantize(acc, whole.astype(np.int64), point, form, island)


def table(scope: Scope, island: Island) -> Any | None:
    """Any function of one activation's values."""
    target = island.target
    try:
        x, results = tabulate(island.core, scope.bound, partial(_leaf, scope))
        values = quantized(results, target.scale[0], target.zero_point)
    except NotPointwise:
        return None
    if scope.rounding == Rounding.DOUBLE:
        exact = integer_table(scope, island.core, target)
        values = values if exact is None else exact
    emit, constant = scope.builder_.emit, relax.const(np.clip(values, *island.clip), "int8")

    def look_up(x: Quantized) -> Any:
        wide = emit(relax.op.astype(x.value, "int32"))
        index = emit(relax.op.add(wide, constant_of(128, "int32")))
        found = relax.op.take(constant, index, axis=0, mode="clip")
        return emit(found, name_hint=scope.hint(*island.parts))

    return along(scope, look_up, replace(target, value=x))


def _leaf(scope: Scope, call: Any) -> tuple[Any, float, int] | None:
    x = scope.activation(call)
    return None if x is None else (x.value, float(x.scale[0]), x.zero_point)


def rescale(scope: Scope, island: Island) -> Any | None:
    """quantize(clip(dequantize(x))): nothing, a clip, or a change of scale."""
    x = scope.activation(island.core)
    return None if x is None else scope.same_or_rescaled(x, island)
