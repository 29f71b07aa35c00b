# SPDX-License-Identifier: Apache-2.0
"""Element-wise ops, and copies of pixels, from the parts of a matched pattern."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from accel.isa import Rounding
from accel.numerics import ADD_HEADROOM
from codegen import ir
from codegen.bands import POINT
from codegen.identity import identity
from codegen.mosaics import copy_of, repeated
from codegen.partition.place import Place
from codegen.partition.requant import (
    requant_of,
    rounding_of,
    scalar,
    shift_of,
    tail_of,
    zeros_of,
)
from codegen.partition.values import Parts, array, shape_of


def add(parts: Parts, place: Place) -> ir.Op:
    """A sum or difference."""
    factors = scalar(parts["a_mult"]), scalar(parts["b_mult"])
    rule = ir.AddRule(*zeros_of(parts), *factors, shift_of(parts), tail_of(parts))
    if rounding_of(parts) == Rounding.DOUBLE:
        a, b = (factor >> ADD_HEADROOM for factor in factors)
        subtracted = str(parts["core"].op.name) == "relax.subtract"
        rule = replace(
            rule,
            rounding=Rounding.DOUBLE,
            a_mult=a,
            b_mult=-b if subtracted else b,
            a_shift=scalar(parts["a_rest"]),
            b_shift=scalar(parts["b_rest"]),
            sum_mult=scalar(parts["sum_mult"]),
        )
    return ir.Add(*place.of_two, rule)


def mul(parts: Parts, place: Place) -> ir.Op:
    """A product."""
    multiplier, rounding = scalar(parts["multiplier"]), rounding_of(parts)
    rule = ir.MulRule(*zeros_of(parts), multiplier, shift_of(parts), tail_of(parts), rounding)
    return ir.Mul(*place.of_two, rule)


def rescale(parts: Parts, place: Place) -> ir.Op:
    """Another scale and zero point."""
    requant = requant_of(parts, 1, -scalar(parts["x_zp"]))
    return ir.Pool(*place.of_one, ir.PoolKind.AVERAGE, POINT, requant)


def clip(parts: Parts, place: Place) -> ir.Op:
    """Bounds."""
    clipping = ir.clipping(scalar(parts["lo"]), scalar(parts["hi"]))
    return ir.Pool(*place.of_one, ir.PoolKind.MAX, POINT, clipping)


def table(parts: Parts, place: Place) -> ir.Op:
    """A function of one value."""
    by_byte = np.roll(array(parts["table"]), 128)  # the constant begins with the result for -128
    return ir.Pool(*place.of_one, ir.PoolKind.MAX, POINT, ir.clipping(), by_byte)


def repeat(parts: Parts, place: Place) -> ir.Op:
    """Every pixel several times."""
    before, after = shape_of(parts["x"]), shape_of(parts["core"])
    factors = after[2] // before[2], after[3] // before[3]
    return repeated(copy_of(*place.of_one), (before[2], before[3]), factors)


def pad(parts: Parts, place: Place) -> ir.Op:
    """Every pixel as it is; the convolution's own padding makes the border."""
    _, _, _, _, top, bottom, left, right = (int(w) for w in parts["core"].attrs.pad_width)
    channels = shape_of(parts["x"])[1]
    window = ir.Window2d((1, 1), padding=(top, left, bottom, right))
    ones, requant = np.ones((channels, 1, 1, 1), np.int8), identity(channels)
    return ir.Conv(*place.of_one, ones, window, channels, requant, overhead=True)
