# SPDX-License-Identifier: Apache-2.0
"""Sliding windows over activations with injected padding, as CONV and POOL read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

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


def _touched(
    outputs: int, stride: int, kernel: int, dilation: int, pad: int, size: int
) -> tuple[int, int]:
    """(rows that exist and may be touched, rows that the windows span with padding)."""
    span = (outputs - 1) * stride + (kernel - 1) * dilation + 1
    there = max(0, min(size, span - pad))
    return there, max(span, pad + there)
