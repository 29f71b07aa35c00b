# SPDX-License-Identifier: Apache-2.0
"""POOL, ADD and MUL: the vector unit's commands."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from accel.isa import PoolKind, Rounding
from accel.model.state import State
from accel.model.windows import taps
from accel.numerics import (
    Int8Array,
    Int64Array,
    clip,
    requantize,
    rescale_add,
    rescale_add_twice,
    rescale_product,
)

LOWEST = -128


def pool(state: State, v: Mapping[str, int]) -> None:
    """Execute a POOL command."""
    average = v["kind"] == PoolKind.AVERAGE
    # Outside of the input, MAX sees the lowest value and AVERAGE sees 0: neither takes part.
    views = taps(state, v, v["in_addr"], v["blocks"], (1, 1), 0 if average else LOWEST)
    shape = (v["blocks"], v["out_h"], v["out_w"])
    total = np.full((*shape, state.config.k_lanes), 0 if average else LOWEST, np.int64)
    for view in views:
        total = total + view if average else np.maximum(total, view)
    if average:
        tail = v["out_zp"], v["clip_lo"], v["clip_hi"]
        rule = Rounding(v["rounding"])
        y = requantize(total, v["bias"], v["multiplier"], v["shift"], *tail, rule)
    else:
        y = clip(total, v["clip_lo"], v["clip_hi"])
    state.output(v, 0, shape)[:] = state.finished(v, y)


def add(state: State, v: Mapping[str, int]) -> None:
    """Execute an ADD command."""
    a, b = _operands(state, v)
    if v["rounding"] == Rounding.DOUBLE:
        scales = (v["a_mult"], v["a_shift"]), (v["b_mult"], v["b_shift"])
        y = rescale_add_twice(a, b, scales, v["sum_mult"], v["shift"], *_tail(v))
    else:
        y = rescale_add(a, b, v["a_mult"], v["b_mult"], v["shift"], *_tail(v))
    _finish(state, v, y)


def mul(state: State, v: Mapping[str, int]) -> None:
    """Execute a MUL command."""
    a, b = _operands(state, v)
    rule = Rounding(v["rounding"])
    _finish(state, v, rescale_product(a, b, v["multiplier"], v["shift"], *_tail(v), rule))


def _shape(v: Mapping[str, int]) -> tuple[int, int, int]:
    return v["blocks"], v["out_h"], v["out_w"]


def _operands(state: State, v: Mapping[str, int]) -> tuple[Int64Array, Int64Array]:
    """Both operands less their zero points: [blocks, out_h, out_w or 1, K]."""
    blocks, height, width = _shape(v)
    a = state.pixels(v["a_addr"], v["a_plane"], v["a_pitch"], (blocks, height, width))
    there = (blocks, height, 1 if v["b_repeat"] else width)
    b = state.pixels(v["b_addr"], v["b_plane"], v["b_pitch"], there)
    return a.astype(np.int64) - v["a_zp"], b.astype(np.int64) - v["b_zp"]


def _tail(v: Mapping[str, int]) -> tuple[int, int, int]:
    return v["out_zp"], v["clip_lo"], v["clip_hi"]


def _finish(state: State, v: Mapping[str, int], y: Int8Array) -> None:
    state.output(v, 0, _shape(v))[:] = state.finished(v, y)
