# SPDX-License-Identifier: Apache-2.0
"""Choices of tiling that change how long a program takes, never what it computes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way to cut work into commands."""

    tiles: int = 4
    """A band of a convolution is cut into so many tiles or more: the next layer can start on the
    first ones."""
    chunks: int = 8
    """A weight chunk is at most this fraction of the weight SRAM, so that loading runs ahead."""
    pieces: int = 4
    """Activations move in up to so many transfers, so that work starts on the first ones."""


DEFAULT = Recipe()
RECIPES = tuple(Recipe(*choice) for choice in product((1, 2, 4, 8), (4, 8, 16), (1, 4)))
"""What a search looks at."""
