# SPDX-License-Identifier: Apache-2.0
"""Constants of a model by handle, and what rules make of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from tvm import relax
from tvm.ir import Call, GenericConst

from codegen.frontend.expressions import array, axes_of, op_name, shape_of

FloatArray = npt.NDArray[np.float64]
Array = npt.NDArray[Any]
PLAIN = frozenset({"", "relax.dequantize", "relax.reshape", "relax.permute_dims"})
"""Calls of a constant that the integer form reads through."""


@dataclass(frozen=True, slots=True)
class Weight:
    """int8 values around zero, with scales along one axis (or a single one)."""

    values: npt.NDArray[np.int8]
    scale: FloatArray
    axis: int


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant expression of the model."""

    expr: Any
    rank: int
    """Dimensions of the value it meets; it is aligned to them. 0 for a scalar."""
    real: FloatArray
    """Its values, aligned."""
    weight: Weight | None
    computed: bool
    """It takes calls to get it, that the integer form does not read through."""


class NotConstant(Exception):
    """An expression depends on more than constants, or on a call that is not known here."""


_ARITHMETIC: dict[str, Callable[[FloatArray, FloatArray], FloatArray]] = {
    "relax.add": np.add,
    "relax.subtract": np.subtract,
    "relax.multiply": np.multiply,
    "relax.divide": np.divide,
}


def is_known(call: Any) -> bool:
    """Whether `real_values` can compute this call."""
    return op_name(call) in (*PLAIN, *_ARITHMETIC, "relax.broadcast_to")


def real_values(expr: Any, bound: Callable[[Any], Any]) -> FloatArray:
    """Values of a constant expression.

    Raises:
        NotConstant: it is none.
    """
    call = bound(expr)
    if isinstance(call, GenericConst):
        return array(call).astype(np.float64)
    name = op_name(call)
    if name == "relax.reshape":
        return real_values(call.args[0], bound).reshape(shape_of(call))
    if name == "relax.permute_dims":
        return real_values(call.args[0], bound).transpose(axes_of(call))
    if name == "relax.dequantize":
        values, scale, zero = (real_values(a, bound) for a in call.args)
        along = _along(values.ndim, int(call.attrs.axis), max(scale.size, zero.size))
        return (values - zero.reshape(along if zero.size > 1 else ())) * scale.reshape(
            along if scale.size > 1 else ()
        )
    if name == "relax.broadcast_to":
        return np.broadcast_to(real_values(call.args[0], bound), shape_of(call))
    if name in _ARITHMETIC:
        with np.errstate(divide="ignore", invalid="ignore"):
            return _ARITHMETIC[name](*(real_values(a, bound) for a in call.args))
    raise NotConstant(name)


def _along(rank: int, axis: int, size: int) -> tuple[int, ...]:
    """A shape that spreads a vector along one axis."""
    return tuple(size if a == axis % max(rank, 1) else 1 for a in range(rank))


def weight_of(expr: Any, bound: Callable[[Any], Any]) -> Weight | None:
    """Read int8 weights; None for other constants."""
    call = bound(expr)
    if op_name(call) == "relax.permute_dims":
        inner = weight_of(call.args[0], bound)
        if inner is None:
            return None
        axes = axes_of(call)
        return Weight(inner.values.transpose(axes), inner.scale, axes.index(inner.axis))
    if op_name(call) != "relax.dequantize":
        return None
    values, scale, zero = (bound(a) for a in call.args)
    if not all(isinstance(c, GenericConst) for c in (values, scale, zero)):
        return None
    stored, scales = array(values), array(scale).astype(np.float64).reshape(-1)
    if stored.dtype != np.int8 or array(zero).any() or stored.ndim < 2:
        return None
    return Weight(stored, scales, int(call.attrs.axis) % stored.ndim)


def read(expr: Any, rank: int, bound: Callable[[Any], Any], *, weights: bool) -> Constant:
    """A constant expression as an operand of a value of `rank` dimensions.

    Args:
        expr: the expression.
        rank: of the value.
        bound: what a variable is bound to.
        weights: nobody asks for the real values of int8 weights, which are many.
    """
    weight, computed = weight_of(expr, bound), _computed(expr, bound)
    if weights and not computed:
        return Constant(expr, rank, np.zeros(0), weight, computed)
    real = real_values(expr, bound)
    uniform = computed and not weights and real.size and (real == real.flat[0]).all()
    if real.size == 1 or uniform:
        real, rank = np.asarray(real.flat[0]), 0
    elif real.ndim < rank:
        real = real.reshape((1,) * (rank - real.ndim) + real.shape)
    return Constant(expr, rank, real, weight, computed)


def _computed(expr: Any, bound: Callable[[Any], Any]) -> bool:
    call = bound(expr)
    if op_name(call) not in PLAIN:
        return True
    return isinstance(call, Call) and any(
        _computed(a, bound) for a in call.args[:1] if isinstance(a, relax.Var | Call)
    )


def float_constant(values: FloatArray | float) -> Any:
    """A float32 constant of Relax."""
    return relax.const(np.asarray(values, np.float32), "float32")


def weight_call(weight: Weight) -> Any:
    """The dequantize call of weights."""
    scale = weight.scale if weight.scale.size > 1 else weight.scale.reshape(())
    return relax.op.dequantize(
        relax.const(np.ascontiguousarray(weight.values), "int8"),
        float_constant(scale),
        relax.const(np.zeros(scale.shape, np.int8), "int8"),
        axis=weight.axis,
        out_dtype="float32",
    )


def scaled(weight: Weight, factor: FloatArray, axis: int) -> Weight:
    """Weights times a factor per output channel: its size into the scales, its sign into them."""
    axis %= weight.values.ndim
    factor = factor.reshape(-1)
    sign = (
        np.sign(factor)
        .astype(np.int8)
        .reshape(_along(weight.values.ndim, axis, factor.size) if factor.size > 1 else ())
    )
    return Weight(weight.values * sign, weight.scale * np.abs(factor), axis)


def fits_axis(weight: Weight, axis: int) -> bool:
    """Whether the scales run along this axis."""
    return weight.scale.size == 1 or weight.axis == axis % weight.values.ndim
