# SPDX-License-Identifier: Apache-2.0
"""CONV: accumulate, then bias, requantize, clip and add the residual."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from accel.isa import ConvMode, Rounding, Sram
from accel.model.state import State
from accel.model.windows import folded_rows, taps
from accel.numerics import requantize, rescale_add, wrap32

Int64Array = npt.NDArray[np.int64]
FLOAT32_SUM = 1 << 24
"""Below it, float32 matrix products of integers are exact."""


def conv(state: State, v: Mapping[str, int]) -> None:
    """Execute a CONV command."""
    pixels = v["out_h"] * v["out_w"]
    for n in range(v["n_blocks"]):
        if v["first"]:
            state.acc[:pixels] = 0
        state.acc[:pixels] = wrap32(state.acc[:pixels] + _products(state, v, n))
        if v["last"]:
            _output(state, v, n, state.acc[:pixels])


def _products(state: State, v: Mapping[str, int], n: int) -> Int64Array:
    """Sum over kernel and input channels: [pixels, N]."""
    match v["mode"]:
        case ConvMode.DEPTHWISE:
            return _depthwise(state, v, n)
        case ConvMode.FOLD:
            return _fold(state, v, n)
    return _dense(state, v, n)


def _weights(state: State, v: Mapping[str, int], n: int, tiles: int) -> npt.NDArray[np.int16]:
    """Weight tiles of an n-block, less their zero point: [tiles, K, N]."""
    config = state.config
    size = tiles * config.weight_tile_bytes
    data = state.sram(Sram.WEIGHT, v["weight_addr"] + n * size, size)
    words = data.view(np.int8).reshape(tiles, config.k_lanes, config.n_lanes)
    return (words.transpose(0, 2, 1) if v["transposed"] else words) - np.int16(v["weight_zp"])


def _dense(state: State, v: Mapping[str, int], n: int) -> Int64Array:
    """K input channels of one kernel tap at a time."""
    config = state.config
    depth, steps = v["cin_blocks"] * config.k_lanes, v["kernel_h"] * v["kernel_w"]
    weights = _weights(state, v, n, steps * v["cin_blocks"])
    wide = v["centered"] or v["weight_zp"]
    largest = depth * (255 * 255 if wide else 128 * 128)
    kind = np.dtype(np.float32 if largest <= FLOAT32_SUM else np.float64)
    kernels = weights.reshape(steps, depth, config.n_lanes).astype(kind)
    dilation = v["dilation_y"], v["dilation_x"]
    address = v["in_addr"] + n * v["in_group"]
    center = kind.type(v["in_zp"] if v["centered"] else 0)
    total = np.zeros((v["out_h"] * v["out_w"], config.n_lanes), np.int64)
    views = taps(state, v, address, v["cin_blocks"], dilation, v["in_zp"])
    for view, kernel in zip(views, kernels, strict=True):
        x = view.transpose(1, 2, 0, 3).reshape(len(total), depth).astype(kind)
        total += ((x - center) @ kernel).astype(np.int64)
    return total


def _depthwise(state: State, v: Mapping[str, int], n: int) -> Int64Array:
    """Kernel rows `p * pass_rows` onward in pass p, each lane n with the taps of channel n."""
    k, rows = state.config.k_lanes, v["pass_rows"]
    weights = _weights(state, v, n, v["passes"]).astype(np.int64)
    address = v["in_addr"] + n * v["in_group"]
    views = list(taps(state, v, address, 1, (v["dilation_y"], 1), v["in_zp"]))
    total = np.zeros((v["out_h"] * v["out_w"], state.config.n_lanes), np.int64)
    for step in range(v["passes"]):
        x = np.full((k, *total.shape), v["in_zp"], np.int64)
        for row in range(step * rows, min((step + 1) * rows, v["kernel_h"])):
            for column in range(v["kernel_w"]):
                view = views[row * v["kernel_w"] + column]
                x[column * rows + row - step * rows] = view.reshape(total.shape)
        total += np.einsum("kpn,kn->pn", x, weights[step])
    return total


def _fold(state: State, v: Mapping[str, int], n: int) -> Int64Array:
    """K bytes of the kernel rows, laid end to end, in each pass."""
    k = state.config.k_lanes
    weights = _weights(state, v, n, v["passes"])
    rows = folded_rows(state, v, v["in_addr"] + n * v["in_group"], v["in_zp"])
    pixels, _, width = rows.shape
    total = np.zeros((pixels, state.config.n_lanes), np.int64)
    for step in range(v["passes"]):
        x = np.full((pixels, k), v["in_zp"], np.int8)
        first = step * k // width
        for row in range(first, min(first + v["pass_rows"], v["kernel_h"])):
            lane = row * width - step * k
            low, high = max(lane, 0), min(lane + width, k)
            if low < high:
                x[:, low:high] = rows[:, row, low - lane : high - lane]
        total += (x.astype(np.float32) @ weights[step].astype(np.float32)).astype(np.int64)
    return total


def _output(state: State, v: Mapping[str, int], n: int, acc: Int64Array) -> None:
    """Output stage: [pixels, N] sums to activations."""
    config = state.config
    lanes, words = config.n_lanes, config.words_per_vector
    record = state.sram(
        Sram.PARAM,
        v["param_addr"] + n * config.param_record_bytes,
        config.param_record_bytes,
    )
    bias = record[: 4 * lanes].view("<i4").astype(np.int64)
    multiplier = record[4 * lanes : 8 * lanes].view("<i4").astype(np.int64)
    shift = record[8 * lanes : 9 * lanes].astype(np.int64)
    tail = v["out_zp"], v["clip_lo"], v["clip_hi"]
    y = requantize(acc, bias, multiplier, shift, *tail, Rounding(v["rounding"]))
    shape = (words, v["out_h"], v["out_w"])
    if v["residual"]:
        r = state.pixels(
            v["res_addr"] + n * words * v["res_plane"],
            v["res_plane"],
            v["res_pitch"],
            shape,
        )
        y = rescale_add(
            y.astype(np.int64) - v["out_zp"],
            r.transpose(1, 2, 0, 3).reshape(y.shape).astype(np.int64) - v["res_zp"],
            v["add_self_mult"],
            v["add_res_mult"],
            v["add_shift"],
            v["add_zp"],
            v["add_lo"],
            v["add_hi"],
        )
    y = state.finished(v, y)
    vectors = y.reshape(v["out_h"], v["out_w"], words, config.k_lanes)
    state.output(v, n * words, shape)[:] = vectors.transpose(2, 0, 1, 3)
