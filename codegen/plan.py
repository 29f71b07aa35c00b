# SPDX-License-Identifier: Apache-2.0
"""Where every tensor lives: the result of `passes/plan_sram.py`, read by all later passes."""

from __future__ import annotations

from dataclasses import dataclass

from accel.layout import Layout
from accel.program import Window


@dataclass(frozen=True, slots=True)
class Memory:
    """A place in a memory window."""

    window: Window
    offset: int
    """Bytes from the window's base."""


@dataclass(frozen=True, slots=True)
class Region:
    """A piece of the activation SRAM, bytes."""

    start: int
    size: int

    @property
    def stop(self) -> int:
        """One past the last byte."""
        return self.start + self.size

    def overlaps(self, other: Region) -> bool:
        """Whether the two share a byte."""
        return self.start < other.stop and other.start < self.stop


@dataclass(frozen=True, slots=True)
class Place:
    """Where one tensor lives."""

    layout: Layout
    resident: Region | None
    """Kept on chip as a whole."""
    memory: Memory | None
    """Its copy in memory: graph inputs and outputs, tensors that are read as weights, and those
    that do not stay on chip."""


@dataclass(frozen=True, slots=True)
class Slabs:
    """How an op that touches tensors in memory is cut into bands of output rows.

    A band is worked off in parts of its channel blocks. The input of a convolution is held for all
    parts of a band; what else lives in memory comes and goes with each part.
    """

    rows: int
    """Output rows of a band."""
    blocks: int | None
    """Output channel blocks of a part; None: all."""
    held_buffers: int
    """Sets of buffers for what a band holds; 2: the next band loads meanwhile."""
    part_buffers: int
    """Sets of buffers for a part."""
    held_bytes: int
    """Size of a set of what a band holds."""
    part_bytes: int
    """Size of a set for a part."""
    start: int
    """Where the buffers begin in the activation SRAM: all held ones, then all for parts."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The memory plan of a graph."""

    places: dict[str, Place]
    slabs: tuple[Slabs | None, ...]
    """For each op; None when all its tensors are resident."""
    scratch_bytes: int
    input_bytes: int
    output_bytes: int
