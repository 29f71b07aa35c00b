# SPDX-License-Identifier: Apache-2.0
"""Reading chains of qnn ops: `requantize(clips(bias(core)))`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from tvm import relay

from codegen.frontend.nodes import merge_hints
from codegen.relay.expressions import dtype_of, hint_of, op_name, shape_of, values
from codegen.relay.forms import INT8

CLIPS = frozenset({"clip", "maximum", "minimum", "nn.relu"})
Bounds = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Chain:
    """A value as integers: core, then bias, then clips."""

    core: Any
    bias: npt.NDArray[np.int64]
    """[C], or one for all."""
    bounds: Bounds
    """Low and high, in integers of the chain; [C], or one for all."""
    hint: str
    """Names of the nodes of core and clips."""


def chain_of(expr: Any) -> Chain:
    """Take clips and bias off an expression."""
    low, high = np.asarray([-math.inf]), np.asarray([math.inf])
    hints = []
    while (found := _clip(expr)) is not None:
        low, high = (np.clip(bound, low, high) for bound in found)
        hints.append(hint_of(expr))
        expr = expr.args[0]
    bias = _bias(expr)
    if bias is not None:
        expr = expr.args[0]
    hint = merge_hints(hint_of(expr), *hints)
    return Chain(expr, np.zeros(1, np.int64) if bias is None else bias, (low, high), hint)


def _clip(expr: Any) -> tuple[Any, Any] | None:
    """Bounds of one clip; [C] where they differ by channel."""
    name = op_name(expr)
    if name not in CLIPS or not dtype_of(expr).startswith(("int", "uint")):
        return None
    if name == "clip":
        return expr.attrs.a_min, expr.attrs.a_max
    if name == "nn.relu":
        return 0, math.inf
    bound = values(expr.args[1])
    if bound is None or bound.size not in (1, _channels(expr)):
        return None
    flat = bound.reshape(-1).astype(np.float64)
    return (flat, math.inf) if name == "maximum" else (-math.inf, flat)


def _bias(expr: Any) -> npt.NDArray[np.int64] | None:
    """Constant int32 that is added per channel."""
    name = op_name(expr)
    if name not in ("add", "nn.bias_add") or dtype_of(expr) != "int32":
        return None
    bias = values(expr.args[1])
    if bias is None or bias.size not in (1, _channels(expr)):
        return None
    if name == "nn.bias_add" and int(expr.attrs.axis) % len(shape_of(expr)) != 1:
        return None
    return bias.reshape(-1).astype(np.int64)


def _channels(expr: Any) -> int:
    shape = shape_of(expr)
    return shape[1 if len(shape) == 4 else -1]


def scalar(expr: Any) -> float | None:
    """Value of a constant of one element."""
    number = values(expr)
    return None if number is None or number.size != 1 else float(number.reshape(-1)[0])


def all_zero(expr: Any) -> bool:
    """Whether it is a constant of zeros."""
    number = values(expr)
    return number is not None and not number.any()


def bounds_in_steps(
    bounds: Bounds, scale: npt.NDArray[np.float64], target_scale: float, target_zero: int
) -> tuple[int, int]:
    """Bounds of a chain as int8 values of its result.

    Bounds that differ by channel came from one real number, which their mean is nearest to.
    """

    def step(bound: npt.NDArray[np.float64], otherwise: int) -> int:
        if not np.isfinite(bound).all():
            return otherwise
        real = np.float32(np.mean(bound * scale))
        with np.errstate(over="ignore"):  # far beyond int8 is far enough
            return int(np.clip(np.rint(real / np.float32(target_scale)) + target_zero, *INT8))

    return step(bounds[0], INT8[0]), step(bounds[1], INT8[1])


def clipped_by(inner: tuple[int, int], outer: tuple[int, int]) -> tuple[int, int]:
    """A clip and the one behind it as one; of bounds that exclude each other, the last rules."""
    low, high = (min(max(bound, outer[0]), outer[1]) for bound in inner)
    return low, high


def is_constant(expr: Any) -> bool:
    """Whether its value is known when compiling."""
    return isinstance(expr, relay.Constant)
