# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np

from sim.scoring import decide, right, same


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
