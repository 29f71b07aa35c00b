# SPDX-License-Identifier: Apache-2.0
"""The integer arithmetic that model, RTL and TVM host share, bit for bit.

Requantization is fixed-point with a 31-bit multiplier and one rounding, half up, as TVM's
`qnn.requantize` (Relay, rounding UPWARD) and TFLite's single rounding compute it; or, on demand,
with the two roundings of gemmlowp, as TFLite-Micro and CMSIS-NN compute it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from accel.isa import Rounding

Int8Array = npt.NDArray[np.int8]
Int32Array = npt.NDArray[np.int32]
Int64Array = npt.NDArray[np.int64]


def wrap32(values: Int64Array) -> Int64Array:
    """Keep the low 32 bits, as a 32-bit register does."""
    return values.astype(np.int32).astype(np.int64)


def clip(values: Int64Array, low: int, high: int) -> Int8Array:
    """Saturate to [low, high], within int8."""
    return np.clip(values, low, high).astype(np.int8)


def round_shift(values: Int64Array, shift: Int64Array | int) -> Int64Array:
    """Arithmetic right shift, rounding half up; `shift` is 1 to 62."""
    amount = np.asarray(shift, np.int64)
    return (values + (np.int64(1) << (amount - 1))) >> amount


def round_shift_twice(values: Int64Array, shift: Int64Array | int) -> Int64Array:
    """Right shift as `MultiplyByQuantizedMultiplier` rounds: by 31 half up, then half away from 0.

    Source: gemmlowp, `SaturatingRoundingDoublingHighMul` and `RoundingDivideByPOT`. `shift` is 1 to
    62; below 31 there is one rounding, half up: what a shift to the left before the product gives.
    """
    amount = np.asarray(shift, np.int64)
    high = round_shift(values, np.minimum(amount, 31))
    rest = np.maximum(amount - 31, 0)
    half = np.where(rest > 0, (np.int64(1) << np.maximum(rest - 1, 0)) - (high < 0), 0)
    rounded: Int64Array = (high + half) >> rest
    return rounded


def requantize(
    acc: Int64Array,
    bias: Int64Array | int,
    multiplier: Int64Array | int,
    shift: Int64Array | int,
    zero_point: int,
    low: int,
    high: int,
    rounding: Rounding = Rounding.SINGLE,
) -> Int8Array:
    """clip(((wrap32(acc + bias) * multiplier + (1 << (shift - 1))) >> shift) + zero_point).

    Args:
        acc: int32 range, any shape; channels last.
        bias: int32 range, per channel.
        multiplier: 0 to 2^31 - 1, per channel.
        shift: 1 to 62, per channel.
        zero_point: int8.
        low: lower clip, int8.
        high: upper clip, int8.
        rounding: DOUBLE rounds as `round_shift_twice` does.
    """
    product = wrap32(acc + bias) * np.asarray(multiplier, np.int64)
    rounded = round_shift if rounding == Rounding.SINGLE else round_shift_twice
    return clip(rounded(product, shift) + zero_point, low, high)


def rescale_product(
    a: Int64Array,
    b: Int64Array,
    multiplier: int,
    shift: int,
    zero_point: int,
    low: int,
    high: int,
    rounding: Rounding = Rounding.SINGLE,
) -> Int8Array:
    """clip(((a * b * multiplier + (1 << (shift - 1))) >> shift) + zero_point).

    Args:
        a: operand minus its zero point, -255 to 255.
        b: the same.
        multiplier: int32; not negative with DOUBLE.
        shift: 1 to 62.
        zero_point: int8.
        low: lower clip, int8.
        high: upper clip, int8.
        rounding: DOUBLE rounds as `round_shift_twice` does.
    """
    rounded = round_shift if rounding == Rounding.SINGLE else round_shift_twice
    return clip(rounded(a * b * multiplier, shift) + zero_point, low, high)


def look_up(table: Int8Array, values: Int8Array) -> Int8Array:
    """Every value, taken as an unsigned byte, through a table of 256 int8 entries."""
    return table[values.view(np.uint8)]


def rescale_add(
    a: Int64Array,
    b: Int64Array,
    a_mult: int,
    b_mult: int,
    shift: int,
    zero_point: int,
    low: int,
    high: int,
) -> Int8Array:
    """clip(((a * a_mult + b * b_mult + (1 << (shift - 1))) >> shift) + zero_point).

    Args:
        a: operand minus its zero point, -255 to 255.
        b: the same.
        a_mult: int32.
        b_mult: int32.
        shift: 1 to 62.
        zero_point: int8.
        low: lower clip, int8.
        high: upper clip, int8.
    """
    return clip(round_shift(a * a_mult + b * b_mult, shift) + zero_point, low, high)


ADD_HEADROOM = 20
"""Fractional bits of the operands of a sum that rounds twice (TFLite's `left_shift`)."""


def scaled_operand(x: Int64Array, multiplier: int, shift: int) -> Int64Array:
    """An operand of a sum that rounds twice, in fractional bits.

    Args:
        x: operand minus its zero point, -255 to 255.
        multiplier: magnitude below 2^31; a negative one negates the result.
        shift: 0 to 31, behind the 31 of the product.
    """
    scaled = round_shift_twice((x << ADD_HEADROOM) * abs(multiplier), 31 + shift)
    return -scaled if multiplier < 0 else scaled


def rescale_add_twice(
    a: Int64Array,
    b: Int64Array,
    scales: tuple[tuple[int, int], tuple[int, int]],
    multiplier: int,
    shift: int,
    zero_point: int,
    low: int,
    high: int,
) -> Int8Array:
    """Sum as TFLite-Micro's ADD computes it: both operands are rescaled, then their sum.

    Args:
        a: operand minus its zero point, -255 to 255.
        b: the same.
        scales: multiplier and shift of each operand, see `scaled_operand`.
        multiplier: of the sum, 0 to 2^31 - 1.
        shift: of the sum, 1 to 62.
        zero_point: int8.
        low: lower clip, int8.
        high: upper clip, int8.
    """
    total = scaled_operand(a, *scales[0]) + scaled_operand(b, *scales[1])
    tail = zero_point, low, high
    return requantize(total, 0, multiplier, shift, *tail, Rounding.DOUBLE)
