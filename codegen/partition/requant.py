# SPDX-License-Identifier: Apache-2.0
"""The numbers of a matched pattern: zero points, multipliers, shifts, clips, windows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from accel.isa import Rounding
from codegen import ir
from codegen.partition.values import Parts, array


def scalar(expr: Any) -> int:
    """A constant, the same for all channels."""
    return int(array(expr).reshape(-1)[0])


def zeros_of(parts: Parts) -> tuple[int, int]:
    """Zero points of two operands."""
    return scalar(parts["a_zp"]), scalar(parts["b_zp"])


def tail_of(parts: Parts) -> ir.Tail:
    """Zero point and clip of the result."""
    return ir.Tail(scalar(parts["zp"]), scalar(parts["lo"]), scalar(parts["hi"]))


def rounding_of(parts: Parts) -> Rounding:
    """The rule: DOUBLE has two shifts."""
    return Rounding.DOUBLE if "rest" in parts else Rounding.SINGLE


def shift_of(parts: Parts) -> int:
    """The whole shift of a result."""
    return scalar(parts["shift"]) + (scalar(parts["rest"]) if "rest" in parts else 0)


def requant_of(
    parts: Parts, channels: int = 1, offset: int | npt.NDArray[np.int64] = 0
) -> ir.Requant:
    """Requantization with `offset` added to the bias."""

    def spread(name: str) -> npt.NDArray[np.int64]:
        return np.broadcast_to(array(parts[name]).reshape(-1).astype(np.int64), (channels,))

    rounding = rounding_of(parts)
    rest = spread("rest") if rounding == Rounding.DOUBLE else 0
    return ir.Requant(
        (spread("bias") + offset).astype(np.int32),
        spread("multiplier").astype(np.int32),
        (spread("shift") + rest).astype(np.uint8),
        tail_of(parts),
        rounding,
    )


def window_of(attrs: Any, kernel: tuple[int, int]) -> ir.Window2d:
    """Window of a convolution or pool."""
    stride, padding, dilation = (
        tuple(int(v) for v in values) for values in (attrs.strides, attrs.padding, attrs.dilation)
    )
    return ir.Window2d(
        kernel,
        (stride[0], stride[1]),
        (padding[0], padding[1], padding[2], padding[3]),
        (dilation[0], dilation[1]),
    )
