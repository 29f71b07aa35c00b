# SPDX-License-Identifier: Apache-2.0
"""Reading Relax expressions."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from tvm.ir import Call, Op


def op_name(expr: Any) -> str:
    """Name of the operator that `expr` calls; "" for other expressions and calls of functions."""
    return str(expr.op.name) if isinstance(expr, Call) and isinstance(expr.op, Op) else ""


def shape_of(expr: Any) -> tuple[int, ...]:
    """Static shape."""
    return tuple(int(size) for size in expr.ty.shape)


def dtype_of(expr: Any) -> str:
    """Element type of a tensor; "" for what is no tensor."""
    found = getattr(getattr(expr, "ty", None), "dtype", None)
    return str(getattr(found, "dtype", found) or "")


def array(constant: Any) -> npt.NDArray[Any]:
    """NumPy value of a constant."""
    return np.asarray(constant.value.numpy())


def axes_of(call: Any) -> tuple[int, ...]:
    """Axes of a permute_dims."""
    axes = call.attrs.axes
    rank = len(shape_of(call.args[0]))
    return tuple(reversed(range(rank))) if axes is None else tuple(int(a) for a in axes)
