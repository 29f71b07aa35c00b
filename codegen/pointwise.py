# SPDX-License-Identifier: Apache-2.0
"""Pointwise ops as functions of one int8 value: [256] int8 tables, indexed by the unsigned byte."""

from __future__ import annotations

import numpy as np

from accel.isa import Rounding
from accel.numerics import (
    Int8Array,
    clip,
    requantize,
    rescale_add,
    rescale_add_twice,
    rescale_product,
)
from codegen import ir

EVERY: Int8Array = np.arange(256, dtype=np.uint8).view(np.int8)
"""All values in the order of a table; also the table of the identity."""


def of_pool(pool: ir.Pool, x: Int8Array) -> Int8Array:
    """Results of a pool over single pixels for values `x`, before its own table."""
    tail = pool.requant.tail
    if pool.kind is ir.PoolKind.MAX:
        return clip(x.astype(np.int64), tail.lo, tail.hi)
    bias, multiplier = int(pool.requant.bias[0]), int(pool.requant.multiplier[0])
    shift = int(pool.requant.shift[0])
    limits = tail.zero_point, tail.lo, tail.hi
    return requantize(x.astype(np.int64), bias, multiplier, shift, *limits, pool.requant.rounding)


def of_two(op: ir.Add | ir.Mul, a: Int8Array, b: Int8Array) -> Int8Array:
    """Sums or products of values `a` and `b`, before the op's own table."""
    rule = op.rule
    x, y = a.astype(np.int64) - rule.a_zp, b.astype(np.int64) - rule.b_zp
    tail = rule.tail.zero_point, rule.tail.lo, rule.tail.hi
    if isinstance(rule, ir.MulRule):
        return rescale_product(x, y, rule.multiplier, rule.shift, *tail, rule.rounding)
    if rule.rounding == Rounding.DOUBLE:
        scales = (rule.a_mult, rule.a_shift), (rule.b_mult, rule.b_shift)
        return rescale_add_twice(x, y, scales, rule.sum_mult, rule.shift, *tail)
    return rescale_add(x, y, rule.a_mult, rule.b_mult, rule.shift, *tail)
