# SPDX-License-Identifier: Apache-2.0
"""Explicit padding for `auto_pad`."""

from __future__ import annotations

from typing import Any


def with_pads(sizes: list[int], attrs: Any) -> Any:
    """Attributes of a convolution or pool with explicit padding.

    Args:
        sizes: of the image axes of the input.
        attrs: with `kernel_shape`.
    """
    ones = [1] * len(sizes)
    mode = bytes(attrs.get("auto_pad", b"NOTSET")).decode()
    if mode == "NOTSET":
        return attrs | {"pads": attrs.get("pads", [0] * 2 * len(sizes))}
    totals = [
        max(0, (-(-size // stride) - 1) * stride + (kernel - 1) * dilation + 1 - size)
        for size, kernel, stride, dilation in zip(
            sizes,
            attrs["kernel_shape"],
            attrs.get("strides", ones),
            attrs.get("dilations", ones),
            strict=True,
        )
    ]
    small, large = [t // 2 for t in totals], [t - t // 2 for t in totals]
    pads = {"VALID": [0] * 2 * len(sizes), "SAME_UPPER": small + large, "SAME_LOWER": large + small}
    return attrs | {"pads": pads[mode], "auto_pad": b"NOTSET"}
