# SPDX-License-Identifier: Apache-2.0
"""Pools from the parts of a matched pattern."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from codegen import ir, mosaics
from codegen.partition.place import Place
from codegen.partition.requant import requant_of, rounding_of, scalar, tail_of, window_of
from codegen.partition.values import Parts, array, shape_of


def max_pool2d(parts: Parts, place: Place) -> ir.Op:
    """The largest value of each window."""
    attrs = parts["core"].attrs
    window = window_of(attrs, (int(attrs.pool_size[0]), int(attrs.pool_size[1])))
    return ir.Pool(*place.of_one, ir.PoolKind.MAX, window, ir.clipping())


def global_average_pool(parts: Parts, place: Place) -> ir.Op:
    """The average over rows, pixels, or both."""
    shape, axes = shape_of(parts["x"]), [int(axis) for axis in parts["core"].attrs.axis]
    h, w = (shape[axis] if axis in axes else 1 for axis in (2, 3))
    requant = requant_of(parts, 1, -scalar(parts["x_zp"]) * h * w)
    return ir.Pool(*place.of_one, ir.PoolKind.AVERAGE, ir.Window2d((h, w)), requant)


def uneven_average(parts: Parts, place: Place, window: ir.Window2d) -> ir.Op:
    """The sum of each window by a divisor for each pixel: only averages have that."""
    requant = replace(ir.clipping(), tail=tail_of(parts), rounding=rounding_of(parts))
    pool = ir.Pool(*place.of_one, ir.PoolKind.AVERAGE, window, requant)
    h, w = shape_of(parts["x"])[2:]
    keys = ("bias", "multiplier", "shift", *(["rest"] if "rest" in parts else []))
    bias, multiplier, *shifts = (array(parts[key])[0, 0].astype(np.int64) for key in keys)
    rule = mosaics.Divisors(bias, multiplier, sum(shifts[1:], shifts[0]))
    return mosaics.uneven_average(pool, rule, scalar(parts["x_zp"]), (h, w))
