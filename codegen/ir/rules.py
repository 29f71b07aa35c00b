# SPDX-License-Identifier: Apache-2.0
"""Integer arithmetic of ops; accel/numerics.py computes it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accel.isa import Rounding

Table = npt.NDArray[np.int8]
"""[256] int8: a result for every int8 value, by its unsigned byte. An op's table comes last."""


@dataclass(frozen=True, slots=True)
class Tail:
    """Zero point and clip after a rounding shift."""

    zero_point: int
    lo: int = -128
    hi: int = 127


@dataclass(frozen=True, slots=True, eq=False)
class Requant:
    """Per channel: clip(((acc + bias) * multiplier + (1 << (shift - 1)) >> shift) + zero_point).

    With DOUBLE, the shift rounds as `numerics.round_shift_twice` does.
    """

    bias: npt.NDArray[np.int32]
    """[C] int32; the input zero point is folded in."""
    multiplier: npt.NDArray[np.int32]
    """[C] int32, 0 <= m < 2^31."""
    shift: npt.NDArray[np.uint8]
    """[C] uint8, 1 to 62."""
    tail: Tail
    rounding: Rounding = Rounding.SINGLE


def clipping(low: int = -128, high: int = 127) -> Requant:
    """Requantization of a max pool: clip only."""
    zeros = np.zeros(1, np.int32)
    return Requant(zeros, zeros, np.ones(1, np.uint8), Tail(0, low, high))


@dataclass(frozen=True, slots=True)
class AddRule:
    """y = clip(((a - a_zp) * a_mult + (b - b_zp) * b_mult + (1 << (shift - 1)) >> shift) + zp).

    With DOUBLE rounding, `numerics.rescale_add_twice`: operands are rescaled first, then their sum.
    """

    a_zp: int
    b_zp: int
    a_mult: int
    b_mult: int
    shift: int
    tail: Tail
    rounding: Rounding = Rounding.SINGLE
    a_shift: int = 0
    """Of DOUBLE only, as the two below."""
    b_shift: int = 0
    sum_mult: int = 0


@dataclass(frozen=True, slots=True)
class MulRule:
    """y = clip(((a - a_zp) * (b - b_zp) * multiplier + (1 << (shift - 1)) >> shift) + zp)."""

    a_zp: int
    b_zp: int
    multiplier: int
    shift: int
    tail: Tail
    rounding: Rounding = Rounding.SINGLE
