# SPDX-License-Identifier: Apache-2.0
"""Padding of windows, as TFLite means SAME and VALID."""

from __future__ import annotations

import tflite

Pair = tuple[int, int]


def pads(
    padding: int, sizes: Pair, kernel: Pair, stride: Pair, dilation: Pair = (1, 1)
) -> tuple[int, int, int, int]:
    """(top, left, bottom, right) of a window that moves over an image."""
    if padding == tflite.Padding.VALID:
        return 0, 0, 0, 0
    reach = tuple((k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True))
    totals = [
        max(0, (-(-size // s) - 1) * s + r - size)
        for size, s, r in zip(sizes, stride, reach, strict=True)
    ]
    top, left = (total // 2 for total in totals)
    return top, left, totals[0] - top, totals[1] - left


def transposed(
    padding: int, sizes: Pair, out: Pair, kernel: Pair, stride: Pair
) -> tuple[tuple[int, int, int, int], Pair]:
    """What a transposed convolution cuts off, (top, left, bottom, right), and adds at the end."""
    whole = [(size - 1) * s + k for size, s, k in zip(sizes, stride, kernel, strict=True)]
    cut = [max(0, w - o) for w, o in zip(whole, out, strict=True)]
    more = [max(0, o - w) for w, o in zip(whole, out, strict=True)]
    top, left = (0, 0) if padding == tflite.Padding.VALID else (cut[0] // 2, cut[1] // 2)
    return (top, left, cut[0] - top, cut[1] - left), (more[0], more[1])
