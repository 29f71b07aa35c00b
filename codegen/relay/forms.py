# SPDX-License-Identifier: Apache-2.0
"""The written integer semantics (accel/numerics.py) as Relay ops.

What codegen/frontend writes in Relax, with Relay's exact int32 ops where it has some:

    conv   cast(clip(((cast(qnn.conv2d(x, w, zx) + bias, int64) * m + 2^(s-1)) >> s) + zy), int8)
    add    cast(clip((((a - za) * ma + (b - zb) * mb + 2^(s-1)) >> s) + zy), int8)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from tvm import relay

from codegen.frontend.arithmetic import add_point, fixed_point
from codegen.relay.expressions import const, made_by

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
INT8 = (-128, 127)


@dataclass(frozen=True, slots=True)
class Quantized:
    """An int8 value: scale * (value - zero_point)."""

    value: Any
    scale: float
    zero_point: int


@dataclass(frozen=True, slots=True)
class Target:
    """What a result is quantized to, its clip, and the name of its nodes."""

    scale: float
    zero_point: int
    clip: tuple[int, int]
    hint: str


def wide(x: Quantized, dtype: str) -> Any:
    """The value less its zero point."""
    return relay.subtract(relay.cast(x.value, dtype), const(x.zero_point, dtype))


def requantized(acc: Any, bias: IntArray, scale: FloatArray, rank: int, to: Target) -> Any | None:
    """Bias, fixed-point scale, zero point, clip.

    Args:
        acc: int32.
        bias: [C], or one for all.
        scale: [C], or one for all; of a sum, in real numbers.
        rank: dimensions of `acc`; 4 has its channels second, others last.
        to: the result.

    Returns:
        None where a scale is out of range.
    """
    point = fixed_point(scale / to.scale)
    if point is None:
        return None
    total = relay.add(acc, const(_spread(bias, rank), "int32"))
    scaled = relay.multiply(
        relay.cast(total, "int64"), const(_spread(point.multiplier, rank), "int64")
    )
    return _finished(scaled, _spread(point.shift, rank), to)


def _spread(numbers: IntArray, rank: int) -> IntArray:
    """[C] as a constant that meets the channels."""
    if numbers.size == 1:
        return numbers.reshape((1,) * rank)
    return numbers.reshape((1, -1, 1, 1) if rank == 4 else (*(1,) * (rank - 1), -1))


def _finished(product: Any, shift: IntArray, to: Target) -> Any:
    """Rounding shift, zero point, clip, int8."""
    rounded = relay.add(product, const(np.int64(1) << (shift - 1), "int64"))
    y = relay.right_shift(rounded, const(shift, "int64"))
    y = relay.clip(relay.add(y, const(to.zero_point, "int64")), *map(float, to.clip))
    return made_by(relay.cast(y, "int8"), to.hint)


def added(a: Quantized, b: Quantized, signs: tuple[int, int], to: Target) -> Any | None:
    """Sum or difference with one rounding; None where the scales are too far apart."""
    point = add_point(a.scale / to.scale, b.scale / to.scale)
    if point is None:
        return None
    terms = [
        relay.multiply(wide(x, "int64"), const(sign * factor, "int64"))
        for x, sign, factor in ((a, signs[0], point.a), (b, signs[1], point.b))
    ]
    return _finished(relay.add(*terms), np.asarray(point.shift, np.int64), to)


def multiplied(a: Quantized, b: Quantized, to: Target) -> Any | None:
    """Product with one rounding; None where a scale is out of range."""
    point = fixed_point(np.asarray([a.scale * b.scale / to.scale]))
    if point is None:
        return None
    product = relay.cast(relay.multiply(wide(a, "int32"), wide(b, "int32")), "int64")
    scaled = relay.multiply(product, const(int(point.multiplier[0]), "int64"))
    return _finished(scaled, np.asarray(point.shift[0], np.int64), to)


def rescaled(x: Quantized, rank: int, to: Target) -> Any | None:
    """The value itself, a clip of it, or another scale for it."""
    same = np.float32(x.scale) == np.float32(to.scale) and x.zero_point == to.zero_point
    if same and to.clip == INT8:
        return x.value
    if same:
        return made_by(relay.clip(x.value, *map(float, to.clip)), to.hint)
    zero = np.zeros(1, np.int64)
    return requantized(wide(x, "int32"), zero, np.asarray([x.scale]), rank, to)


def global_average(x: Quantized, pixels: int, to: Target) -> Any | None:
    """Mean over an image: the exact sum, then one rounding."""
    total = relay.sum(wide(x, "int32"), axis=[2, 3], keepdims=True)
    return requantized(total, np.zeros(1, np.int64), np.asarray([x.scale / pixels]), 4, to)


def unsigned(value: Any) -> Any:
    """The uint8 value that an int8 one stands for."""
    shifted = relay.add(relay.cast(value, "int16"), const(128, "int16"))
    return relay.cast(shifted, "uint8")


def signed(value: Any) -> Any:
    """A uint8 value as int8, shifted by 128."""
    return relay.cast(relay.subtract(relay.cast(value, "int16"), const(128, "int16")), "int8")
