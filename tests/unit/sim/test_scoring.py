# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from sim.scoring import collapse, decide, edit_distance, right, same


def test_a_class_is_the_highest_score() -> None:
    label = np.asarray(2)
    decision = decide(np.array([[0.1, 0.2, 0.9]]), label)
    assert right(decision, label) == (1, 1)
    assert right(decide(np.array([[0.9, 0.2, 0.1]]), label), label) == (0, 1)


def test_a_sequence_is_judged_by_its_characters() -> None:
    label = np.array([3, 5, 5, 0, 0])
    steps = np.eye(8)[[3, 3, 0, 5, 0, 5]][None]
    assert right(decide(steps, label), label) == (3, 3)
    assert right(decide(steps[:, :4], label), label) == (2, 3)


def test_a_mask_is_judged_by_its_pixels() -> None:
    label = np.array([[[1, 0], [0, 0]]])
    likely = np.array([[[[0.4, 0.2], [0.9, 0.0]]]])
    assert right(decide(likely, label), label) == (3, 4)


def test_decisions_of_different_lengths_differ() -> None:
    assert same(np.array([1, 2]), np.array([1, 2]))
    assert not same(np.array([1, 2]), np.array([1, 2, 3]))


@pytest.mark.parametrize(
    ("steps", "text"), [([0, 3, 3, 0, 3, 5, 0], [3, 3, 5]), ([0, 0], []), ([7, 7], [7])]
)
def test_repeated_steps_are_one_character(steps: list[int], text: list[int]) -> None:
    assert collapse(steps) == text


@pytest.mark.parametrize(
    ("a", "b", "edits"), [("ab", "ab", 0), ("kitten", "sitting", 3), ("", "ab", 2)]
)
def test_edit_distance(a: str, b: str, edits: int) -> None:
    assert edit_distance([*map(ord, a)], [*map(ord, b)]) == edits
