# SPDX-License-Identifier: Apache-2.0
"""Fixed-point constants from real scales, and the bound that ties both arithmetics together."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accel.numerics import ADD_HEADROOM

FloatArray = npt.NDArray[np.float64]
MULTIPLIER_BITS = 31
SHIFT_MAX = 62
ADD_BITS = 24
"""Fractional bits of an addition's multipliers, where the scales' ratio leaves room for them."""
UNIT = 2.0**-24
"""Half a unit in the last place of float32."""


@dataclass(frozen=True, slots=True)
class FixedPoint:
    """multiplier * 2^-shift, per channel."""

    multiplier: npt.NDArray[np.int64]
    """0 to 2^31 - 1."""
    shift: npt.NDArray[np.int64]
    """1 to 62."""


def fixed_point(scale: FloatArray) -> FixedPoint | None:
    """Round positive real scales to a 31-bit multiplier and a shift.

    Returns:
        None where a scale is too large (above 2^29) or not positive and finite.
    """
    scale = np.asarray(scale, np.float64)
    if not (np.isfinite(scale).all() and (scale > 0).all() and (scale < 2.0**29).all()):
        return None
    mantissa, exponent = np.frexp(scale)
    multiplier = np.rint(mantissa * 2.0**MULTIPLIER_BITS).astype(np.int64)
    carry = multiplier == 1 << MULTIPLIER_BITS
    multiplier = np.where(carry, multiplier >> 1, multiplier)
    shift = MULTIPLIER_BITS - (exponent + carry)
    tiny = shift > SHIFT_MAX
    little = np.rint(np.where(tiny, scale, 0) * 2.0**SHIFT_MAX).astype(np.int64)
    multiplier = np.where(tiny, little, multiplier)
    return FixedPoint(multiplier, np.minimum(shift, SHIFT_MAX).astype(np.int64))


def tflite_point(scale: FloatArray) -> FixedPoint | None:
    """The same as TFLite's `QuantizeMultiplier`, for the rule that rounds twice.

    A scale of 1 or more has a shift below 31, which rounds once; one below 2^-31 counts as 0.
    """
    scale = np.asarray(scale, np.float64)
    if not (np.isfinite(scale).all() and (scale > 0).all() and (scale < 2.0**29).all()):
        return None
    mantissa, exponent = np.frexp(scale)
    multiplier = np.floor(mantissa * 2.0**MULTIPLIER_BITS + 0.5).astype(np.int64)
    carry = multiplier == 1 << MULTIPLIER_BITS
    multiplier, exponent = np.where(carry, multiplier >> 1, multiplier), exponent + carry
    nothing = exponent < -MULTIPLIER_BITS
    multiplier, exponent = np.where(nothing, 0, multiplier), np.where(nothing, 0, exponent)
    return FixedPoint(multiplier, (MULTIPLIER_BITS - exponent).astype(np.int64))


def mean_point(scale: float, count: int) -> FixedPoint | None:
    """TFLite-Micro's MEAN: the change of scale, with 1 / count put into its multiplier."""
    point = tflite_point(np.asarray([scale]))
    if point is None:
        return None
    exponent = MULTIPLIER_BITS - int(point.shift[0])
    shift = min(count.bit_length() - 1, 32, MULTIPLIER_BITS + exponent)
    multiplier = (int(point.multiplier[0]) << shift) // count
    return FixedPoint(np.asarray([multiplier]), point.shift + shift)


def away_point(count: int) -> FixedPoint | None:
    """Division of a sum of `count` int8 values by `count`, rounding half away from zero.

    A multiplier a little too large moves ties away from zero, and nothing else: within 1 / (2 *
    count) of a tie there is no other quotient.

    Returns:
        None where the error could reach further: above 2896 values.
    """
    bits = MULTIPLIER_BITS if count > 1 else MULTIPLIER_BITS - 1
    if 256 * count**2 >= 1 << bits:
        return None
    return FixedPoint(np.asarray([(1 << bits) // count + 1]), np.asarray([bits]))


@dataclass(frozen=True, slots=True)
class TwicePoint:
    """Multipliers and shifts of a sum that rounds twice; see `numerics.rescale_add_twice`."""

    a: tuple[int, int]
    b: tuple[int, int]
    total: tuple[int, int]


def twice_point(a: float, b: float, out: float) -> TwicePoint | None:
    """TFLite's ADD, from the scales of both operands and the result."""
    largest = 2 * max(a, b)
    scales = np.asarray([a / largest, b / largest, largest / ((1 << ADD_HEADROOM) * out)])
    point = tflite_point(scales)
    if point is None or (scales >= 1).any():
        return None
    shifts = (point.shift - np.asarray([MULTIPLIER_BITS, MULTIPLIER_BITS, 0])).tolist()
    pairs = list(zip(point.multiplier.tolist(), shifts, strict=True))
    return TwicePoint(pairs[0], pairs[1], pairs[2])


@dataclass(frozen=True, slots=True)
class AddPoint:
    """Multipliers of both operands with one shift."""

    a: int
    b: int
    shift: int


def add_point(a: float, b: float) -> AddPoint | None:
    """Fixed-point form of `a * x + b * y`; None where a ratio of scales is out of range."""
    largest = max(a, b)
    if not (math.isfinite(largest) and min(a, b) > 0 and largest < 2.0**20):
        return None
    bits = min(ADD_BITS, 30 - max(0, math.ceil(math.log2(largest))))
    return AddPoint(round(a * 2**bits), round(b * 2**bits), bits)


def float_error(terms: int, largest_input: int, weights: FloatArray, scale: FloatArray) -> float:
    """How far the float path of an island can be from exact arithmetic, in output steps.

    float32 summation of `terms` products, bias, scaling and division: each adds at most half a unit
    in the last place of the running sum of magnitudes. Below 0.5 the integer form and the float QDQ
    form differ by at most one step.

    Args:
        terms: products in a sum.
        largest_input: largest |x - zero point|.
        weights: [C] sum of |w| of each output channel.
        scale: [C] input scale * weight scale / output scale.
    """
    return float(np.max((terms + 4) * UNIT * largest_input * weights * scale))
