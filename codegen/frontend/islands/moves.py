# SPDX-License-Identifier: Apache-2.0
"""Ops that only move values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from tvm import relax

from codegen.frontend.expressions import shape_of
from codegen.frontend.islands.scope import INT8, Island, Quantized, Scope, constant_of
from codegen.frontend.islands.shapes import image, lifted, reshaped

FloatArray = npt.NDArray[np.floating[Any]]


def concat(scope: Scope, island: Island) -> Any | None:
    """Join values that are brought to the result's scale; two by two."""
    values = [scope.activation(part) for part in scope.bound(island.core.args[0]).fields]
    shape, hint = shape_of(island.core), scope.hint(*island.parts)
    axis = int(island.core.attrs.axis) % len(shape)
    flat = len(shape) == 3 and any(x is not None and lifted(scope, x) for x in values)
    axis += flat and axis == 2
    joined = None
    for x in values:
        value = image(scope, x) if x is not None and flat else x
        same = None if value is None else scope.same_or_rescaled(value, island)
        if same is None:
            scope.refuse(island, "not all of what it joins are quantized activations")
            return None
        pair = same if joined is None else relax.op.concat([joined, same], axis)
        joined = scope.builder_.emit(pair, name_hint=hint)
    return reshaped(scope, joined, shape, hint) if flat else joined


def take(scope: Scope, island: Island) -> Any | None:
    """Values at constant indices of one axis; a single index drops the axis."""
    x, indices = scope.activation(island.core.args[0]), scope.constant(island.core.args[1])
    if x is None or indices is None or island.core.attrs.axis is None or indices.ndim > 1:
        return None
    axis = int(island.core.attrs.axis) % len(shape_of(x.value))
    size = shape_of(x.value)[axis]
    whole = indices.reshape(-1).astype(np.int64)
    result = _taken(scope, island, x.value, axis, np.where(whole < 0, whole + size, whole).tolist())
    if indices.ndim == 0:
        result = scope.builder_.emit(relax.op.reshape(result, shape_of(island.core)))
    return scope.same_or_rescaled(Quantized(result, x.scale, x.zero_point, 0), island)


def strided_slice(scope: Scope, island: Island) -> Any | None:
    """A slice along each axis that has one."""
    x = scope.activation(island.core.args[0])
    known = [_integers(scope, argument) for argument in island.core.args[1:]]
    if x is None or any(values is None for values in known):
        return None
    axes, begin, end, *rest = (values or [] for values in known)
    result = x.value
    strides = rest[0] if rest else [1] * len(axes)
    for axis, start, stop, step in zip(axes, begin, end, strides, strict=True):
        indices = list(range(shape_of(x.value)[axis]))[slice(start, stop, step)]
        if indices != list(range(shape_of(x.value)[axis])):
            result = _taken(scope, island, result, axis, indices)
    return scope.same_or_rescaled(Quantized(result, x.scale, x.zero_point, 0), island)


def split(scope: Scope, island: Island) -> Any | None:
    """One of the results of a split."""
    call = scope.bound(island.core.tuple_value)
    x = scope.activation(call.args[0])
    if x is None:
        return None
    axis = int(call.attrs.axis) % len(shape_of(x.value))
    sizes = [int(field.shape[axis]) for field in call.ty.fields]
    begin = sum(sizes[: island.core.index])
    indices = list(range(begin, begin + sizes[island.core.index]))
    result = _taken(scope, island, x.value, axis, indices)
    return scope.same_or_rescaled(Quantized(result, x.scale, x.zero_point, 0), island)


def pad(scope: Scope, island: Island) -> Any | None:
    """A border of real zeros is one of zero points."""
    x, attrs = scope.activation(island.core.args[0]), island.core.attrs
    if x is None:
        return None
    value, widths = np.float32(attrs.pad_value), [int(width) for width in attrs.pad_width]
    step = int(np.clip(np.rint(value / np.float32(x.scale[0])) + x.zero_point, *INT8))
    if attrs.pad_mode != "constant" or step != x.zero_point:
        scope.refuse(island, f"a border of {value:g} in mode {attrs.pad_mode}: only zeros are")
        return None
    padded = relax.op.nn.pad(x.value, widths, "constant", float(step))
    same = scope.builder_.emit(padded, name_hint=scope.hint(*island.parts))
    return scope.same_or_rescaled(Quantized(same, x.scale, x.zero_point, 0), island)


ROUNDINGS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "floor": np.floor,
    "ceil": np.ceil,
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
}
"""Names of TVM for how a coordinate becomes an index."""


def resize(scope: Scope, island: Island) -> Any | None:
    """Nearest neighbours: rows and pixels taken one, several, or no times."""
    x, attrs = scope.activation(island.core.args[0]), island.core.attrs
    if x is None or attrs.layout != "NCHW":
        return None
    transform, rounding = attrs.coordinate_transformation_mode, attrs.rounding_method
    known = transform in ("asymmetric", "half_pixel", "pytorch_half_pixel")
    if attrs.method != "nearest_neighbor" or not known or rounding not in ROUNDINGS:
        scope.refuse(
            island,
            f"resize by {attrs.method}, {transform}, {rounding or 'round'}: only nearest "
            "neighbours with asymmetric or half-pixel coordinates are taken as they are",
        )
        return None
    taken = []
    for axis in (2, 3):
        before, after = shape_of(x.value)[axis], shape_of(island.core)[axis]
        offset = 0.0 if transform == "asymmetric" else 0.5
        where = (np.arange(after, dtype=np.float64) + offset) * (before / after) - offset
        if transform == "pytorch_half_pixel" and after == 1:
            where = np.zeros(1)
        taken.append(np.clip(ROUNDINGS[rounding](where), 0, before - 1).astype(np.int64).tolist())
    sizes = shape_of(x.value)[2:]
    grown = all(len(indices) % size == 0 for indices, size in zip(taken, sizes, strict=True))
    result = x.value
    for axis, (indices, size) in enumerate(zip(taken, sizes, strict=True), 2):
        if grown or indices != list(range(size)):  # partition/patterns.py knows both together
            result = _taken(scope, island, result, axis, indices)
    return scope.same_or_rescaled(Quantized(result, x.scale, x.zero_point, 0), island)


def _integers(scope: Scope, expr: Any) -> list[int] | None:
    """Constant axes, bounds or steps."""
    if isinstance(expr, relax.Tuple):
        return [int(field.value) for field in expr.fields]
    values = scope.constant(expr)
    return None if values is None else [int(v) for v in values.reshape(-1)]


def _taken(scope: Scope, island: Island, value: Any, axis: int, indices: list[int]) -> Any:
    found = relax.op.take(value, constant_of(indices, "int32"), axis=axis, mode="clip")
    return scope.builder_.emit(found, name_hint=scope.hint(*island.parts))
