# SPDX-License-Identifier: Apache-2.0
"""Sliding windows over activations with injected padding, as CONV and POOL read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from accel.isa import Sram
from accel.model.state import State


def taps(
    state: State,
    v: Mapping[str, int],
    address: int,
    blocks: int,
    dilation: tuple[int, int],
    fill: int,
) -> Iterator[npt.NDArray[np.int8]]:
    """Yield, for each kernel row and column, the pixels under that tap.

    Args:
        state: the machine.
        v: fields in_plane ... pad_left, kernel, stride, out_h and out_w.
        address: of pixel (0, 0) in the first block.
        blocks: channel blocks.
        dilation: (vertical, horizontal).
        fill: value of pixels outside the input.

    Yields:
        [blocks, out_h, out_w, K] int8.
    """
    rows = _touched(v["out_h"], v["stride_y"], v["kernel_h"], dilation[0], v["pad_top"], v["in_h"])
    columns = _touched(
        v["out_w"], v["stride_x"], v["kernel_w"], dilation[1], v["pad_left"], v["in_w"]
    )
    padded = np.full((blocks, rows[1], columns[1], state.config.k_lanes), fill, np.int8)
    if rows[0] and columns[0]:
        there = state.pixels(address, v["in_plane"], v["in_pitch"], (blocks, rows[0], columns[0]))
        top, left = v["pad_top"], v["pad_left"]
        padded[:, top : top + rows[0], left : left + columns[0]] = there
    for ky in range(v["kernel_h"]):
        for kx in range(v["kernel_w"]):
            y, x = ky * dilation[0], kx * dilation[1]
            yield padded[
                :,
                y : y + (v["out_h"] - 1) * v["stride_y"] + 1 : v["stride_y"],
                x : x + (v["out_w"] - 1) * v["stride_x"] + 1 : v["stride_x"],
            ]


def folded_rows(
    state: State, v: Mapping[str, int], address: int, fill: int
) -> npt.NDArray[np.int8]:
    """Kernel rows under each output pixel of a packed input, as CONV reads them in FOLD mode.

    Returns:
        [pixels, kernel_h, fold_bytes] int8.
    """
    size, width = v["channels"], v["fold_bytes"]
    step, pad = v["stride_x"] * size, v["pad_left"] * size
    rows = _touched(
        v["out_h"], v["stride_y"], v["kernel_h"], v["dilation_y"], v["pad_top"], v["in_h"]
    )
    there, span = _touched(v["out_w"], step, width, 1, pad, v["in_w"] * size)
    padded = np.full((rows[1], span), fill, np.int8)
    if rows[0] and there:
        act = state.sram(Sram.ACT, 0, address + (rows[0] - 1) * v["in_pitch"] + there)
        top, strides = v["pad_top"], (v["in_pitch"], 1)
        padded[top : top + rows[0], pad : pad + there] = np.lib.stride_tricks.as_strided(
            act[address:].view(np.int8), (rows[0], there), strides
        )
    y = np.arange(v["out_h"])[:, None] * v["stride_y"] + np.arange(v["kernel_h"]) * v["dilation_y"]
    x = np.arange(v["out_w"])[:, None] * step + np.arange(width)
    picked: npt.NDArray[np.int8] = padded[y[:, None, :, None], x[None, :, None, :]]
    return picked.reshape(-1, v["kernel_h"], width)


def _touched(
    outputs: int, stride: int, kernel: int, dilation: int, pad: int, size: int
) -> tuple[int, int]:
    """(rows that exist and may be touched, rows that the windows span with padding)."""
    span = (outputs - 1) * stride + (kernel - 1) * dilation + 1
    there = max(0, min(size, span - pad))
    return there, max(span, pad + there)
