# SPDX-License-Identifier: Apache-2.0
"""The shared arithmetic is exact: equal to Python's unbounded integers everywhere."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from accel.isa import Rounding
from accel.numerics import (
    look_up,
    requantize,
    rescale_add,
    rescale_add_twice,
    rescale_product,
    round_shift,
)

int8 = st.integers(-128, 127)
int32 = st.integers(-(2**31), 2**31 - 1)
shifts = st.integers(1, 62)


def exact_shift(value: int, shift: int) -> int:
    """value / 2^shift, rounded half up."""
    return (value + (1 << (shift - 1))) >> shift


def tflite_micro(value: int, multiplier: int, exponent: int) -> int:
    """MultiplyByQuantizedMultiplier of TFLite-Micro, for exponent <= 0, in its own words."""
    nudge = 1 << 30 if value * multiplier >= 0 else 1 - (1 << 30)
    total = value * multiplier + nudge
    high = abs(total) // (1 << 31) * (1 if total >= 0 else -1)  # C++ division truncates
    mask = (1 << -exponent) - 1
    threshold = (mask >> 1) + (1 if high < 0 else 0)
    return (high >> -exponent) + (1 if high & mask > threshold else 0)


def clamp(value: int, low: int, high: int) -> int:
    return min(max(value, low), high)


def wrap(value: int) -> int:
    return (value + 2**31) % 2**32 - 2**31


@given(int32, int32, st.integers(0, 2**31 - 1), shifts, int8, int8, int8)
def test_requantize_equals_unbounded_integers(acc, bias, multiplier, shift, zero, a, b) -> None:
    low, high = sorted((a, b))
    got = requantize(np.array([acc], np.int64), bias, multiplier, shift, zero, low, high)
    assert got[0] == clamp(exact_shift(wrap(acc + bias) * multiplier, shift) + zero, low, high)


@given(int32, st.integers(0, 2**31 - 1), st.integers(31, 62), int8)
def test_double_rounding_is_that_of_tflite_micro(acc, multiplier, shift, zero) -> None:
    got = requantize(
        np.array([acc], np.int64), 0, multiplier, shift, zero, -128, 127, Rounding.DOUBLE
    )
    assert got[0] == clamp(tflite_micro(acc, multiplier, 31 - shift) + zero, -128, 127)


@given(int32, st.integers(0, 2**31 - 1), st.integers(1, 30), int8)
def test_scales_above_one_shift_before_the_product(acc, multiplier, shift, zero) -> None:
    """TFLite-Micro shifts its operand to the left; wide enough, that rounds as we do."""
    left = acc << 31 - shift
    got = requantize(
        np.array([acc], np.int64), 0, multiplier, shift, zero, -128, 127, Rounding.DOUBLE
    )
    assert got[0] == clamp(tflite_micro(left, multiplier, 0) + zero, -128, 127)


operands = st.integers(-255, 255)
factors = st.integers(-(2**31) + 1, 2**31 - 1)


@given(operands, operands, factors, factors, st.integers(0, 31), st.integers(31, 62), int8)
def test_twice_rounded_sums_are_those_of_tflite_micro(
    a, b, a_mult, b_mult, rest, shift, zero
) -> None:
    """AddElementwise and SubElementwise of TFLite-Micro."""
    scales = (a_mult, rest), (b_mult, 31 - rest)
    got = rescale_add_twice(
        np.array([a], np.int64), np.array([b], np.int64), scales, 3 << 29, shift, zero, -128, 127
    )
    total = sum(
        tflite_micro(x << 20, abs(m), -s) * (-1 if m < 0 else 1)
        for x, (m, s) in ((a, scales[0]), (b, scales[1]))
    )
    assert got[0] == clamp(tflite_micro(total, 3 << 29, 31 - shift) + zero, -128, 127)


@given(operands, operands, st.integers(0, 2**31 - 1), st.integers(31, 62), int8)
def test_twice_rounded_products_are_those_of_tflite_micro(a, b, multiplier, shift, zero) -> None:
    got = rescale_product(
        *(np.array([v], np.int64) for v in (a, b)),
        *(multiplier, shift, zero, -128, 127, Rounding.DOUBLE),
    )
    assert got[0] == clamp(tflite_micro(a * b, multiplier, 31 - shift) + zero, -128, 127)


@given(st.lists(int32, min_size=4, max_size=4), st.lists(shifts, min_size=4, max_size=4))
def test_requantize_works_per_channel(acc, shift) -> None:
    multiplier = np.array([1 << 30, (1 << 31) - 1, 0, 12345], np.int64)
    got = requantize(np.array([acc], np.int64), 0, multiplier, np.array(shift), 0, -128, 127)
    expected = [
        clamp(exact_shift(a * int(m), s), -128, 127)
        for a, m, s in zip(acc, multiplier, shift, strict=True)
    ]
    assert got[0].tolist() == expected


@given(st.integers(-255, 255), st.integers(-255, 255), int32, int32, shifts, int8)
def test_rescale_add_equals_unbounded_integers(a, b, a_mult, b_mult, shift, zero) -> None:
    got = rescale_add(
        np.array([a], np.int64), np.array([b], np.int64), a_mult, b_mult, shift, zero, -128, 127
    )
    assert got[0] == clamp(exact_shift(a * a_mult + b * b_mult, shift) + zero, -128, 127)


@given(st.integers(-255, 255), st.integers(-255, 255), int32, shifts, int8)
def test_rescale_product_equals_unbounded_integers(a, b, multiplier, shift, zero) -> None:
    got = rescale_product(
        np.array([a], np.int64), np.array([b], np.int64), multiplier, shift, zero, -128, 127
    )
    assert got[0] == clamp(exact_shift(a * b * multiplier, shift) + zero, -128, 127)


def test_tables_are_indexed_by_the_unsigned_byte() -> None:
    table = np.arange(256, dtype=np.uint8).view(np.int8)
    values = np.array([-128, -1, 0, 127], np.int8)
    assert look_up(table, values).tolist() == values.tolist()


def test_ties_round_up() -> None:
    assert round_shift(np.array([-3, -1, 1, 3], np.int64), 1).tolist() == [-1, 0, 1, 2]
