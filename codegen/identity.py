# SPDX-License-Identifier: Apache-2.0
"""Requantization that changes nothing: what convolutions have that only move values."""

from __future__ import annotations

import numpy as np

from codegen import ir


def identity(channels: int) -> ir.Requant:
    """Requantization that changes no int8 value."""
    zeros = np.zeros(channels, np.int32)
    ones = np.full(channels, 1 << 30, np.int32)
    return ir.Requant(zeros, ones, np.full(channels, 30, np.uint8), ir.Tail(0))


def is_identity(requant: ir.Requant) -> bool:
    """Whether it is what `identity` gives."""
    exact = identity(len(requant.bias))
    return requant.tail == exact.tail and all(
        np.array_equal(getattr(requant, name), getattr(exact, name))
        for name in ("bias", "multiplier", "shift")
    )
