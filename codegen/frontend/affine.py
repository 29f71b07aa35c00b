# SPDX-License-Identifier: Apache-2.0
"""Chains of sums and products with constants, as one factor and one offset per channel.

What is left of a batch norm that no convolution precedes, PReLU-free gates, normalization of an
image, a bias on its own: `(x * c0 + d0) / c1 - d1 ...` over one dequantized tensor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from codegen.frontend.expressions import op_name

FloatArray = npt.NDArray[np.float64]
CHAINS = frozenset({"relax.add", "relax.subtract", "relax.multiply", "relax.divide"})
IMAGE = 4


@dataclass(frozen=True, slots=True)
class Affine:
    """leaf * factor + offset."""

    leaf: Any
    """The dequantize call."""
    factor: FloatArray
    """[C] or a scalar."""
    offset: FloatArray
    """[C] or a scalar."""


def affine(
    expr: Any,
    rank: int,
    bound: Callable[[Any], Any],
    is_leaf: Callable[[Any], bool],
    constant: Callable[[Any], FloatArray | None],
) -> Affine | None:
    """Read a chain; None where `expr` is something else.

    Args:
        expr: a float expression.
        rank: dimensions of its value; 4 has its channels second, others last.
        bound: what a variable is bound to.
        is_leaf: whether an expression is a dequantized activation.
        constant: real values of a constant expression, None for others.
    """
    call = bound(expr)
    if is_leaf(call):
        return Affine(call, np.ones(()), np.zeros(()))
    name = op_name(call)
    if name not in CHAINS:
        return None
    left, right = call.args
    known = _per_channel(constant(right), rank)
    if known is not None:
        inner = affine(left, rank, bound, is_leaf, constant)
        return None if inner is None else _after(name, inner, known)
    known = _per_channel(constant(left), rank)
    inner = affine(right, rank, bound, is_leaf, constant) if known is not None else None
    return None if inner is None or known is None else _before(name, known, inner)


def _after(name: str, x: Affine, k: FloatArray) -> Affine | None:
    """The chain with `op k` behind it."""
    match name:
        case "relax.add":
            return Affine(x.leaf, x.factor, x.offset + k)
        case "relax.subtract":
            return Affine(x.leaf, x.factor, x.offset - k)
        case "relax.multiply":
            return Affine(x.leaf, x.factor * k, x.offset * k)
    return Affine(x.leaf, x.factor / k, x.offset / k) if (k != 0).all() else None


def _before(name: str, k: FloatArray, x: Affine) -> Affine | None:
    """The chain with `k op` before it."""
    match name:
        case "relax.subtract":
            return Affine(x.leaf, -x.factor, k - x.offset)
        case "relax.divide":
            return None
    return _after(name, x, k)


def _per_channel(values: FloatArray | None, rank: int) -> FloatArray | None:
    """Values that differ by channel only as [C] or scalar; None for others."""
    if values is None or values.ndim > rank:
        return None
    if values.size == 1:
        return values.reshape(())
    shape = (1,) * (rank - values.ndim) + values.shape
    channels = (1, values.size, 1, 1) if rank == IMAGE else (*(1,) * (rank - 1), values.size)
    return values.reshape(-1) if shape == channels else None
