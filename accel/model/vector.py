# SPDX-License-Identifier: Apache-2.0
"""POOL and ADD: the vector unit's commands."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from accel.isa import PoolKind
from accel.model.state import State
from accel.model.windows import taps
from accel.numerics import clip, requantize, rescale_add

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
        y = requantize(total, v["bias"], v["multiplier"], v["shift"], *tail)
    else:
        y = clip(total, v["clip_lo"], v["clip_hi"])
    state.pixels(v["out_addr"], v["out_plane"], v["out_pitch"], shape)[:] = y


def add(state: State, v: Mapping[str, int]) -> None:
    """Execute an ADD command."""
    shape = (v["blocks"], v["out_h"], v["out_w"])
    a = state.pixels(v["a_addr"], v["a_plane"], v["a_pitch"], shape).astype(np.int64) - v["a_zp"]
    b = state.pixels(v["b_addr"], v["b_plane"], v["b_pitch"], shape).astype(np.int64) - v["b_zp"]
    tail = v["out_zp"], v["clip_lo"], v["clip_hi"]
    y = rescale_add(a, b, v["a_mult"], v["b_mult"], v["shift"], *tail)
    state.pixels(v["out_addr"], v["out_plane"], v["out_pitch"], shape)[:] = y
