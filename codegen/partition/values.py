# SPDX-License-Identifier: Apache-2.0
"""What builders of ops and `legality.py` read of a matched part, from any front IR.

They ask Relax expressions directly (`expr.ty`, `expr.value`, `expr.attrs`); a front whose
expressions have other names hands them in as a `Part`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Parts = Mapping[str, Any]
"""Matched expressions by the pattern's part names."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A matched expression, free of its IR."""

    shape: tuple[int, ...] = ()
    dtype: str = ""
    values: npt.NDArray[Any] | None = None
    """Of a constant."""
    attrs: Any = None
    """Of a call."""


def array(expr: Any) -> npt.NDArray[Any]:
    """NumPy value of a constant."""
    return np.asarray(expr.values if isinstance(expr, Part) else expr.value.numpy())


def shape_of(expr: Any) -> tuple[int, ...]:
    """Static shape."""
    return expr.shape if isinstance(expr, Part) else tuple(int(size) for size in expr.ty.shape)


def dtype_of(expr: Any) -> str:
    """Element type."""
    return expr.dtype if isinstance(expr, Part) else str(expr.ty.dtype.dtype)
