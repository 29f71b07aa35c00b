# SPDX-License-Identifier: Apache-2.0
"""Reading and making Relay expressions."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import tvm
from tvm import relay


def post_order(expr: Any) -> list[Any]:
    """All expressions under `expr`, operands first. Not recursive: networks are deep."""
    found: list[Any] = []
    relay.analysis.post_order_visit(expr, found.append)
    return found


def op_name(expr: Any) -> str:
    """Name of the operator that `expr` calls, or ""."""
    return str(expr.op.name) if isinstance(expr, relay.Call) and is_op(expr.op) else ""


def is_op(expr: Any) -> bool:
    """Whether `expr` is an operator, not a function or a value."""
    return isinstance(expr, tvm.ir.Op)


def shape_of(expr: Any) -> tuple[int, ...]:
    """Static shape of a typed expression."""
    return tuple(int(size) for size in expr.checked_type.shape)


def dtype_of(expr: Any) -> str:
    """Element type of a typed expression; "" for tuples."""
    kind = expr.checked_type
    return str(kind.dtype) if isinstance(kind, relay.TensorType) else ""


def values(expr: Any) -> npt.NDArray[Any] | None:
    """NumPy value of a constant, None of others."""
    return np.asarray(expr.data.numpy()) if isinstance(expr, relay.Constant) else None


def const(numbers: Any, dtype: str) -> Any:
    """A constant of exactly this type."""
    return relay.const(np.asarray(numbers, dtype), dtype)


def hint_of(expr: Any) -> str:
    """Name in the span of an expression: which nodes it came from."""
    return "" if expr.span is None else str(expr.span.source_name.name)


def made_by(call: Any, hint: str) -> Any:
    """The call with `hint` as its span."""
    span = tvm.relay.Span(tvm.relay.SourceName(hint), 0, 0, 0, 0) if hint else call.span
    return relay.Call(call.op, call.args, call.attrs, call.type_args, span)


def with_arguments(call: Any, arguments: list[Any]) -> Any:
    """The call with other arguments."""
    return relay.Call(call.op, arguments, call.attrs, call.type_args, call.span)


def typed(module: Any) -> Any:
    """The module with all types known."""
    return relay.transform.InferType()(module)
