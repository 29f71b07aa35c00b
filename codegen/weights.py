# SPDX-License-Identifier: Apache-2.0
"""Weights and output parameters in the order in which the accelerator consumes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accel.config import AccelConfig
from accel.isa import ConvMode
from accel.layout import round_up
from codegen import ir
from codegen.feed import Feed

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Grouping:
    """Which input channel blocks an n-block sees: `blocks` of them from `step * n_block` on."""

    step: int
    blocks: int


def grouping(conv: ir.Conv, config: AccelConfig) -> Grouping:
    """Find the narrowest input window, moving evenly with the n-block, that covers all groups.

    A depthwise convolution sees only its own channels (step = blocks = N / K); where the groups do
    not fit such a pattern, every n-block sees all input blocks and weights of other groups are
    zero.
    """
    k, n = config.k_lanes, config.n_lanes
    cout, cin_group = conv.weight.shape[0], conv.weight.shape[3]
    total = round_up(cin_group * conv.groups, n) // k
    whole = Grouping(0, -(-cin_group * conv.groups // k))
    if conv.groups == 1:
        return whole
    cout_group = cout // conv.groups
    starts, stops = [], []
    for first in range(0, cout, n):
        last = min(first + n, cout) - 1
        starts.append(first // cout_group * cin_group // k)
        stops.append(-(-((last // cout_group + 1) * cin_group) // k))
    step = starts[1] if len(starts) > 1 else 0
    blocks = max(stop - step * i for i, stop in enumerate(stops))
    # No window begins too late: starts[i] >= i * step, as floor(a) + floor(b) <= floor(a + b).
    if step * (len(starts) - 1) + blocks > total or blocks >= whole.blocks:
        return whole
    return Grouping(step, blocks)


def pack_weights(conv: ir.Conv, feed: Feed, config: AccelConfig) -> Bytes:
    """Order weights as tiles.

    Returns:
        [n-blocks, KH, KW, channel blocks, K, N] uint8 (two's complement), zero where a lane has no
        weight; for the modes that put kernel taps on the lanes KH is the number of passes, and KW
        and channel blocks are 1.
    """
    match feed.mode:
        case ConvMode.DEPTHWISE:
            tiles = _depthwise(conv, feed, config)
        case ConvMode.FOLD:
            tiles = _fold(conv, feed, config)
        case _:
            tiles = _dense(conv, config)
    return tiles.view(np.uint8)


def _dense(conv: ir.Conv, config: AccelConfig) -> npt.NDArray[np.int8]:
    k, n = config.k_lanes, config.n_lanes
    cout, kh, kw, cin_group = conv.weight.shape
    window = grouping(conv, config)
    n_blocks = -(-cout // n)
    tiles = np.zeros((n_blocks, kh, kw, window.blocks * k, n), np.int8)
    cout_group = cout // conv.groups
    if conv.groups == 1:
        lanes = np.zeros((n_blocks * n, kh, kw, cin_group), np.int8)
        lanes[:cout] = conv.weight
        split = lanes.reshape(n_blocks, n, kh, kw, cin_group)
        tiles[:, :, :, :cin_group] = split.transpose(0, 2, 3, 4, 1)
    else:
        for channel in range(cout):
            block, lane = divmod(channel, n)
            first = channel // cout_group * cin_group - window.step * block * k
            tiles[block, :, :, first : first + cin_group, lane] = conv.weight[channel]
    return tiles.reshape(n_blocks, kh, kw, window.blocks, k, n)


def _depthwise(conv: ir.Conv, feed: Feed, config: AccelConfig) -> npt.NDArray[np.int8]:
    """Lane `column * pass_rows + row` of a pass holds the tap (row, column) of its kernel rows."""
    k, n = config.k_lanes, config.n_lanes
    cout, kh, kw, _ = conv.weight.shape
    n_blocks = -(-cout // n)
    taps = np.zeros((n_blocks * n, feed.passes * feed.pass_rows, kw), np.int8)
    taps[:cout, :kh] = conv.weight[..., 0]
    split = taps.reshape(n_blocks, n, feed.passes, feed.pass_rows, kw)
    tiles = np.zeros((n_blocks, feed.passes, 1, 1, k, n), np.int8)
    lanes = split.transpose(0, 2, 4, 3, 1).reshape(n_blocks, feed.passes, -1, n)
    tiles[:, :, 0, 0, : lanes.shape[2]] = lanes
    return tiles


def _fold(conv: ir.Conv, feed: Feed, config: AccelConfig) -> npt.NDArray[np.int8]:
    """Kernel rows of `fold_bytes` weights, end to end, cut into passes of K."""
    k, n = config.k_lanes, config.n_lanes
    cout, kh, kw, cin = conv.weight.shape
    n_blocks = -(-cout // n)
    rows = np.zeros((n_blocks * n, kh, feed.fold_bytes), np.int8)
    rows[:cout, :, : kw * cin] = conv.weight.reshape(cout, kh, kw * cin)
    line = np.zeros((n_blocks * n, feed.passes * k), np.int8)
    line[:, : kh * feed.fold_bytes] = rows.reshape(n_blocks * n, -1)
    split = line.reshape(n_blocks, n, feed.passes, 1, 1, k)
    return np.ascontiguousarray(split.transpose(0, 2, 3, 4, 5, 1))


def pack_params(requant: ir.Requant, config: AccelConfig) -> Bytes:
    """Lay out parameter records.

    Returns:
        [n-blocks, param_record_bytes] uint8: N biases, N multipliers (int32, little endian), N
        shifts. Unused lanes have multiplier 0 and shift 1: they produce the zero point.
    """
    n = config.n_lanes
    channels = len(requant.bias)
    n_blocks = -(-channels // n)
    bias = np.zeros(n_blocks * n, "<i4")
    multiplier = np.zeros(n_blocks * n, "<i4")
    shift = np.ones(n_blocks * n, np.uint8)
    bias[:channels] = requant.bias
    multiplier[:channels] = requant.multiplier
    shift[:channels] = requant.shift
    records = np.zeros((n_blocks, config.param_record_bytes), np.uint8)
    records[:, : 4 * n] = bias.view(np.uint8).reshape(n_blocks, 4 * n)
    records[:, 4 * n : 8 * n] = multiplier.view(np.uint8).reshape(n_blocks, 4 * n)
    records[:, 8 * n : 9 * n] = shift.reshape(n_blocks, n)
    return records
