# SPDX-License-Identifier: Apache-2.0
"""Transposes and reshapes as one kind of thing: a bijection of a tensor's elements.

Rules carry them by name. What follows from what (which two cancel, what one is after another, where
it puts an axis) is worked out here and given to egglog as facts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

Shape = tuple[int, ...]
Axes = tuple[int, ...]
LIMIT = 64
"""Most moves of a model; further ones stay where they are."""


@dataclass(frozen=True, slots=True)
class Move:
    """A permutation of axes, for any shape; or a reshape from one shape to another."""

    axes: Axes | None
    source: Shape = ()
    target: Shape = ()

    @property
    def name(self) -> str:
        """How rules call it."""
        if self.axes is not None:
            return f"permute {_text(self.axes)}"
        return f"reshape {_text(self.source)} {_text(self.target)}"

    @property
    def identity(self) -> bool:
        """Whether it does nothing."""
        if self.axes is None:
            return self.source == self.target
        return self.axes == tuple(range(len(self.axes)))

    @property
    def carries(self) -> bool:
        """Whether a constant that is broadcast along some axes is one on the other side too."""
        return self.axes is not None or _wide(self.source) == _wide(self.target)

    @property
    def rank(self) -> int:
        """Dimensions before."""
        return len(self.source if self.axes is None else self.axes)

    def inverse(self) -> Move:
        """What takes it back."""
        if self.axes is None:
            return Move(None, self.target, self.source)
        return Move(tuple(int(a) for a in np.argsort(self.axes)))

    def axis(self, axis: int) -> int | None:
        """Where an axis is afterwards; None if that cannot be said."""
        if self.axes is not None:
            return self.axes.index(axis)
        if not self.carries or self.source[axis] == 1:
            return None
        order = [a for a, size in enumerate(self.source) if size > 1].index(axis)
        return [a for a, size in enumerate(self.target) if size > 1][order]

    def constant_shape(self, shape: Shape) -> Shape:
        """Shape afterwards of a constant that has 1 where it is broadcast."""
        if self.axes is not None:
            return tuple(shape[a] for a in self.axes)
        found = [1] * len(self.target)
        for axis, size in enumerate(shape):
            target = self.axis(axis) if size > 1 else None
            if target is not None:
                found[target] = size
        return tuple(found)


def _text(values: Iterable[int]) -> str:
    return ",".join(map(str, values))


def _wide(shape: Shape) -> list[int]:
    return [size for size in shape if size > 1]


def permute(source: Shape, axes: Axes) -> Move:
    """A permutation of a value; a reshape where only axes of size 1 change places."""
    target = tuple(source[a] for a in axes)
    wide = [a for a in axes if source[a] > 1]
    return Move(None, source, target) if wide == sorted(wide) else Move(axes)


def reshape(source: Shape, target: Shape) -> Move:
    """A reshape of static shapes."""
    return Move(None, source, target)


def compose(second: Move, first: Move) -> Move | None:
    """`second` after `first`; None where they do not meet, or are no single move together."""
    if first.axes is not None and second.axes is not None:
        if first.rank != second.rank:
            return None
        return Move(tuple(first.axes[a] for a in second.axes))
    if first.axes is not None:
        if first.rank != second.rank:
            return None
        back = first.inverse().constant_shape(second.source)
        first = permute(back, first.axes)
    elif second.axes is not None:
        if len(first.target) != second.rank:
            return None
        second = permute(first.target, second.axes)
    if first.axes is None and second.axes is None and first.target == second.source:
        return Move(None, first.source, second.target)
    return None


def closure(moves: Iterable[Move]) -> tuple[Move, ...]:
    """The moves with all inverses and compositions, in a fixed order."""
    found: dict[Move, None] = {}
    waiting = [m for move in moves for m in (move, move.inverse())]
    while waiting and len(found) < LIMIT:
        move = waiting.pop(0)
        if move in found:
            continue
        found[move] = None
        for other in list(found):
            for both in (compose(move, other), compose(other, move)):
                if both is not None and both not in found:
                    waiting.append(both)
    return tuple(found)


def facts(moves: tuple[Move, ...], reduced: Iterable[Axes]) -> list[str]:
    """What rules need to know.

    Args:
        moves: closed under inverse and composition (or cut off).
        reduced: axes that means of the model reduce.
    """
    found = []
    known = {move: f'"{move.name}"' for move in moves}
    for move, name in known.items():
        if move.inverse() in known:
            found.append(f"(set (inverse {name}) {known[move.inverse()]})")
        if move.identity:
            found.append(f"(identity {name})")
        if move.carries:
            found.append(f"(carries {name})")
        found += [f"({fact} {name})" for fact in _channels(move)]
        for other, other_name in known.items():
            both = compose(move, other)
            if both in known:
                found.append(f"(set (compose {name} {other_name}) {known[both]})")
        if move.axes is not None:
            for axis in range(move.rank):
                found.append(f"(axis-through {name} {axis} {move.axis(axis)})")
            for axes in reduced:
                if max(axes) < move.rank:
                    before = _text(sorted(move.axes[a] for a in axes))
                    found.append(f'(mean-through {name} "{_text(axes)}" "{before}" {name})')
    return found


def _channels(move: Move) -> list[str]:
    """Where constants per channel (axis 1) and along the last axis come to lie."""
    found = []
    last_after = len(move.target if move.axes is None else move.axes) - 1
    for name, axis in (("channel", 1), ("last", move.rank - 1)):
        target = move.axis(axis) if axis < move.rank and move.rank > 1 else None
        if target == 1:
            found.append("channel-stays" if name == "channel" else "last-to-channel")
        if target is not None and target == last_after:
            found.append("last-stays" if name == "last" else "channel-to-last")
    return found
