# SPDX-License-Identifier: Apache-2.0
"""Float dataflow that is a function of one int8 value, as a table of its 256 results.

Sigmoid, hard-swish, GELU, leaky ReLU, a product with a scalar, and whatever an exporter makes of
them: any expression of element-wise ops and scalars over one dequantized tensor.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from tvm.ir import Call, GenericConst

from codegen.frontend.expressions import op_name

FloatArray = npt.NDArray[np.float32]
Int8Array = npt.NDArray[np.int8]
VALUES = np.arange(-128, 128, dtype=np.float32)
"""All int8 values, in the order of a table."""

_erf = np.vectorize(math.erf, otypes=[np.float32])


def _gelu(x: FloatArray) -> FloatArray:
    return np.asarray(x * (1 + _erf(x * np.float32(math.sqrt(0.5)))) / 2, np.float32)


def _gelu_tanh(x: FloatArray) -> FloatArray:
    inner = np.float32(math.sqrt(2 / math.pi)) * (x + np.float32(0.044715) * x * x * x)
    return np.asarray(x * (1 + np.tanh(inner)) / 2, np.float32)


def _sigmoid(x: FloatArray) -> FloatArray:
    return np.asarray(1 / (1 + np.exp(-x)), np.float32)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "relax.abs": np.abs,
    "relax.add": np.add,
    "relax.divide": np.divide,
    "relax.erf": _erf,
    "relax.exp": np.exp,
    "relax.greater": np.greater,
    "relax.less": np.less,
    "relax.log": np.log,
    "relax.maximum": np.maximum,
    "relax.minimum": np.minimum,
    "relax.multiply": np.multiply,
    "relax.negative": np.negative,
    "relax.nn.gelu": _gelu,
    "relax.nn.gelu_tanh": _gelu_tanh,
    "relax.nn.relu": lambda x: np.maximum(x, 0),
    "relax.nn.silu": lambda x: x * _sigmoid(x),
    "relax.power": np.power,
    "relax.sigmoid": _sigmoid,
    "relax.sqrt": np.sqrt,
    "relax.subtract": np.subtract,
    "relax.tanh": np.tanh,
    "relax.where": np.where,
}
"""Relax op -> its NumPy counterpart; ops with attributes are in `_apply`."""


class NotPointwise(Exception):
    """The expression depends on more than one value, or on an op that is not element-wise."""


def tabulate(
    expr: Any, bound: Callable[[Any], Any], leaf: Callable[[Any], tuple[Any, float, int] | None]
) -> tuple[Any, FloatArray]:
    """Evaluate a float expression for every int8 value of the one tensor that it reads.

    Args:
        expr: the expression.
        bound: what a variable is bound to.
        leaf: for a dequantized activation its int8 value, scale and zero point; else None.

    Returns:
        The int8 tensor, and [256] float32 results for -128 to 127.

    Raises:
        NotPointwise: it is no such expression.
    """
    found: list[Any] = []
    known: dict[Any, Any] = {}

    def value(node: Any) -> Any:
        if node not in known:
            known[node] = compute(node)
        return known[node]

    def compute(node: Any) -> Any:
        call = bound(node)
        if isinstance(call, GenericConst):
            constant = np.asarray(call.value.numpy())
            if constant.size != 1:
                raise NotPointwise("a constant with more than one element")
            return constant.reshape(())
        if _is_constant(call):
            return _dequantized(call)
        source = leaf(call)
        if source is not None:
            tensor, scale, zero_point = source
            if found and not tensor.same_as(found[0]):
                raise NotPointwise("two activations")
            found.append(tensor)
            return (VALUES - np.float32(zero_point)) * np.float32(scale)
        if not isinstance(call, Call):
            raise NotPointwise("not an element-wise op")
        return _apply(call, value)

    with np.errstate(all="ignore"):  # values that no input takes may overflow
        results = value(expr)
    if not found:
        raise NotPointwise("a constant")
    return found[0], np.broadcast_to(np.asarray(results, np.float32), (256,))


def _is_constant(call: Any) -> bool:
    """A dequantized constant, as quantizers write the factors of a product."""
    return op_name(call) == "relax.dequantize" and all(
        isinstance(a, GenericConst) for a in call.args
    )


def _dequantized(call: Any) -> FloatArray:
    value, scale, zero = (np.asarray(argument.value.numpy()) for argument in call.args)
    if value.size != 1:
        raise NotPointwise("a constant with more than one element")
    steps = (value.astype(np.int64) - zero.astype(np.int64)).astype(np.float32)
    return np.asarray(steps * scale, np.float32).reshape(())


def _apply(call: Any, value: Callable[[Any], Any]) -> Any:
    """The op's results, given those of its arguments."""
    name = op_name(call)
    match name:
        case "relax.clip":
            low, high = (float(bound.value) for bound in call.args[1:])
            return np.clip(value(call.args[0]), low, high)
        case "relax.nn.leakyrelu":
            x = value(call.args[0])
            return np.where(x > 0, x, x * np.float32(call.attrs.alpha))
        case "relax.astype":
            return np.asarray(value(call.args[0])).astype(str(call.attrs.dtype))
    if name not in FUNCTIONS:
        raise NotPointwise(name or "a function call")
    return FUNCTIONS[name](*(value(argument) for argument in call.args))


def quantized(results: FloatArray, scale: float, zero_point: int) -> Int8Array:
    """Results as int8, as QuantizeLinear rounds: half to even.

    Raises:
        NotPointwise: a result is not a number.
    """
    with np.errstate(all="ignore"):
        steps = np.rint(results / np.float32(scale)) + zero_point
    if np.isnan(steps).any():
        raise NotPointwise("it gives NaN")
    return np.asarray(np.clip(steps, -128, 127), np.int8)
