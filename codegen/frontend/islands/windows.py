# SPDX-License-Identifier: Apache-2.0
"""Attributes of windows over images of one or two dimensions, as those of two."""

from __future__ import annotations

from typing import Any

Pair = list[int]


def window_of(attrs: Any) -> tuple[Pair, Pair, Pair]:
    """Strides, padding (top, left, bottom, right) and dilation."""
    padding = [int(p) for p in attrs.padding]
    if len(padding) == 2:
        padding = [0, padding[0], 0, padding[1]]
    return pair(attrs.strides), padding, pair(attrs.dilation)


def pair(values: Any) -> Pair:
    """Of rows and pixels; a row of an image of one dimension is all there is."""
    found = [int(v) for v in values]
    return found if len(found) == 2 else [1, *found]
