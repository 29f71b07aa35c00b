# SPDX-License-Identifier: Apache-2.0
"""What moves do to arrays is what their names, inverses and compositions say."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from codegen.rewrite.moves import LIMIT, Move, closure, compose, facts, permute, reshape

SHAPE = (2, 3, 1, 4)
MOVES = (
    *(permute(SHAPE, axes) for axes in permutations(range(4))),
    reshape(SHAPE, (2, 3, 4)),
    reshape(SHAPE, (6, 4)),
)


def apply(move: Move, values: np.ndarray) -> np.ndarray:
    return values.reshape(move.target) if move.axes is None else values.transpose(move.axes)


@pytest.mark.parametrize("move", MOVES, ids=lambda m: m.name)
def test_the_inverse_takes_a_move_back(move):
    values = np.arange(24).reshape(SHAPE)
    assert (apply(move.inverse(), apply(move, values)) == values).all()


@pytest.mark.parametrize("first", MOVES, ids=lambda m: m.name)
def test_a_composition_does_what_both_do(first):
    values = apply(first, np.arange(24).reshape(SHAPE))
    for second in (*(permute(values.shape, a) for a in permutations(range(values.ndim))),):
        both = compose(second, first)
        if both is not None:
            expected = apply(second, values)
            assert (apply(both, np.arange(24).reshape(SHAPE)) == expected).all()


@pytest.mark.parametrize("move", [m for m in MOVES if m.carries], ids=lambda m: m.name)
def test_constants_are_carried_to_where_they_meet_the_same_elements(move):
    values = np.arange(24).reshape(SHAPE)
    for axis, size in enumerate(SHAPE):
        constant = np.arange(size).reshape([size if a == axis else 1 for a in range(4)])
        carried = constant.reshape(-1).reshape(move.constant_shape(constant.shape))
        assert (apply(move, values) + carried == apply(move, values + constant)).all()


def test_a_transpose_of_axes_of_size_one_is_a_reshape():
    assert permute((1, 24, 1, 1), (0, 2, 3, 1)) == reshape((1, 24, 1, 1), (1, 1, 1, 24))


def test_a_flatten_behind_a_transpose_of_single_pixels_is_a_flatten():
    to_last = permute((1, 8, 5, 5), (0, 2, 3, 1))
    flatten = reshape((1, 1, 1, 8), (1, 8))
    assert compose(flatten, to_last) == reshape((1, 8, 1, 1), (1, 8))


def test_a_flatten_behind_a_transpose_of_many_pixels_is_neither():
    assert compose(reshape((1, 5, 5, 8), (1, 200)), permute((1, 8, 5, 5), (0, 2, 3, 1))) is None


def test_closure_is_bounded_and_in_a_fixed_order():
    many = [reshape((2, 3, 4), (24 // n, n)) for n in (1, 2, 3, 4, 6, 8, 12, 24)]
    many += [permute((2, 3, 4, 5), axes) for axes in permutations(range(4))]
    closed = closure(many)
    assert len(closed) <= LIMIT
    assert closed == closure(many)
    assert facts(closed, [(1, 2)]) == facts(closed, [(1, 2)])


def test_the_mean_of_a_transposed_image_is_one_of_its_own_axes():
    to_last = permute((1, 8, 5, 6), (0, 2, 3, 1))
    names = facts(closure([to_last]), [(1, 2)])
    assert f'(mean-through "{to_last.name}" "1,2" "2,3" "{to_last.name}")' in names
