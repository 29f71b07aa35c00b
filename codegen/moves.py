# SPDX-License-Identifier: Apache-2.0
"""What only moves values: joining tensors, and taking parts of one.

Moves are no ops of the neutral graph. `passes/place_parts.py` turns them into addresses where the
tensors' layout allows that, and into ops that copy where it does not.
"""

from __future__ import annotations

from dataclasses import dataclass

BATCH, ROW, PIXEL, CHANNEL = range(4)
"""Axes of a tensor [N, H, W, C]."""


@dataclass(frozen=True, slots=True)
class Concat:
    """`output` is `inputs` one after the other along `axis`."""

    node: str
    """Names of the ONNX nodes."""
    inputs: tuple[str, ...]
    output: str
    axis: int
    before: int
    """It comes before the op with this position in the graph."""


@dataclass(frozen=True, slots=True)
class Take:
    """`output` is what `input` has at `indices` along `axis`: slices, splits, shuffled channels."""

    node: str
    """Names of the ONNX nodes."""
    input: str
    output: str
    axis: int
    indices: tuple[int, ...]
    before: int
    """As in `Concat`."""

    @property
    def step(self) -> int | None:
        """Distance of the indices, if they ascend evenly."""
        steps = {b - a for a, b in zip(self.indices, self.indices[1:], strict=False)} or {1}
        step = steps.pop()
        return step if not steps and step > 0 else None


@dataclass(frozen=True, slots=True)
class Recast:
    """`output` has the pixels of `input` in the same order, in rows of another length."""

    node: str
    """Names of the ONNX nodes."""
    input: str
    output: str
    before: int
    """As in `Concat`."""


Move = Concat | Take | Recast


def reads(move: Move) -> tuple[str, ...]:
    """Tensors that a move reads."""
    return move.inputs if isinstance(move, Concat) else (move.input,)
