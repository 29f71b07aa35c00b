# SPDX-License-Identifier: Apache-2.0
"""Constants of the rule that rounds twice: TFLite's own, in its own words."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accel.isa import Rounding
from accel.numerics import requantize
from codegen.frontend.arithmetic import away_point, mean_point, tflite_point, twice_point


def quantize_multiplier(scale: float) -> tuple[int, int]:
    """QuantizeMultiplier of TFLite: (multiplier, exponent)."""
    fraction, exponent = math.frexp(scale)
    fixed = math.floor(fraction * 2**31 + 0.5)
    if fixed == 2**31:
        fixed, exponent = fixed // 2, exponent + 1
    return (0, 0) if exponent < -31 else (fixed, exponent)


@given(st.floats(2.0**-40, 2.0**20))
def test_multipliers_are_those_of_tflite(scale: float) -> None:
    point = tflite_point(np.asarray([scale]))
    assert point is not None
    multiplier, exponent = quantize_multiplier(scale)
    assert (point.multiplier[0], point.shift[0]) == (multiplier, 31 - exponent)


def test_multipliers_that_round_up_to_one_carry() -> None:
    point = tflite_point(np.asarray([1 - 2.0**-40]))
    assert point is not None
    assert (point.multiplier[0], point.shift[0]) == (1 << 30, 30)


@pytest.mark.parametrize("scale", [0.0, -1.0, math.inf, math.nan, 2.0**29])
def test_scales_without_a_multiplier(scale: float) -> None:
    assert tflite_point(np.asarray([scale])) is None


@given(st.floats(0.001, 8), st.integers(1, 5000))
def test_means_put_the_count_into_the_multiplier(scale: float, count: int) -> None:
    point = mean_point(scale, count)
    assert point is not None
    multiplier, exponent = quantize_multiplier(scale)
    shift = min(count.bit_length() - 1, 32, 31 + exponent)
    assert point.multiplier[0] == (multiplier << shift) // count
    assert point.shift[0] == 31 - exponent + shift


@pytest.mark.parametrize("count", [1, 2, 3, 4, 9, 25, 49, 64, 121, 2895])
def test_averages_round_half_away_from_zero(count: int) -> None:
    """Every sum that `count` int8 values can have (every seventh of many)."""
    point = away_point(np.asarray([count]))
    assert point is not None
    sums = np.arange(-128 * count, 127 * count + 1, 1 if count < 200 else 7, np.int64)
    tail = int(point.multiplier[0]), int(point.shift[0]), 0, -128, 127
    got = requantize(sums, 0, *tail, Rounding.DOUBLE)
    exact = [(abs(s) + count // 2) // count * (1 if s > 0 else -1) for s in sums.tolist()]
    assert got.tolist() == np.clip(exact, -128, 127).tolist()


def test_averages_of_too_many_values_have_no_such_form() -> None:
    assert away_point(np.asarray([4, 2897])) is None


@given(*(st.floats(0.001, 1) for _ in range(3)))
def test_sums_are_scaled_as_tflite_does(a: float, b: float, out: float) -> None:
    point = twice_point(a, b, out)
    assert point is not None
    largest = 2 * max(a, b)
    scales = a / largest, b / largest, largest / (2**20 * out)
    for (multiplier, shift), scale in zip((point.a, point.b), scales[:2], strict=True):
        assert (multiplier, -shift) == quantize_multiplier(scale)
    multiplier, exponent = quantize_multiplier(scales[2])
    assert point.total == (multiplier, 31 - exponent)


def test_sums_that_would_grow_have_no_such_form() -> None:
    assert twice_point(1.0, 1.0, 2.0**-20) is None
