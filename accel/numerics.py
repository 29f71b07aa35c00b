# SPDX-License-Identifier: Apache-2.0
"""The integer arithmetic that model, RTL and TVM host share, bit for bit.

Requantization is fixed-point with a 31-bit multiplier and one rounding, half up, as TVM's
`qnn.requantize` (Relay, rounding UPWARD) and TFLite's single rounding compute it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

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


def requantize(
    acc: Int64Array,
    bias: Int64Array | int,
    multiplier: Int64Array | int,
    shift: Int64Array | int,
    zero_point: int,
    low: int,
    high: int,
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
    """
    product = wrap32(acc + bias) * np.asarray(multiplier, np.int64)
    return clip(round_shift(product, shift) + zero_point, low, high)


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
