# SPDX-License-Identifier: Apache-2.0
"""What a network's output decides, and how much of that is as labelled.

The labels' shape says what the task is:

    [N]           classes: the class with the highest score
    [N, T]        sequences, filled with 0: the best class of each step, repeats and 0 dropped (CTC)
    [N, 1, H, W]  masks of 0 and 1: pixels above MASK
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
MASK = 0.3
"""Pixels with more are text, as in PaddleOCR."""
CLASSES, SEQUENCES = 0, 1
"""Dimensions of a label."""


def decide(output: Array, label: Array) -> Array:
    """The output [1, ...] of one sample as a label of the same kind as `label`."""
    if label.ndim == CLASSES:
        return np.asarray(output.argmax())
    if label.ndim == SEQUENCES:
        return np.array(collapse(output[0].argmax(axis=-1).tolist()), np.int64)
    return np.asarray(output[0] > MASK, np.int64)


def right(decision: Array, label: Array) -> tuple[int, int]:
    """How much of a decision is right, and of how much: classes, characters or pixels."""
    if label.ndim == SEQUENCES:
        expected = label[label > 0].tolist()
        wrong = edit_distance(decision.tolist(), expected)
        return len(expected) - wrong, len(expected)
    return int((decision == label).sum()), label.size


def same(a: Array, b: Array) -> bool:
    """Whether two decisions agree."""
    return a.shape == b.shape and bool((a == b).all())


def share(decisions: Iterable[Array], labels: Iterable[Array]) -> float:
    """How much of all that is labelled is decided rightly, 0 to 1."""
    counted = [right(*pair) for pair in zip(decisions, labels, strict=True)]
    return sum(good for good, _ in counted) / sum(whole for _, whole in counted)


def edit_distance(a: Sequence[int], b: Sequence[int]) -> int:
    """How many elements to insert, delete or replace to make one the other (Levenshtein)."""
    row = list(range(len(b) + 1))
    for above, left in enumerate(a):
        last, row[0] = row[0], above + 1
        for column, top in enumerate(b, start=1):
            best = min(row[column] + 1, row[column - 1] + 1, last + (left != top))
            last, row[column] = row[column], best
    return row[-1]


def collapse(steps: Sequence[int]) -> list[int]:
    """Connectionist temporal classification: repeats are one, and 0 separates."""
    before = [0, *steps[:-1]]
    return [code for code, last in zip(steps, before, strict=True) if code and code != last]
