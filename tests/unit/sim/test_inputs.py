# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from accel.errors import ModelError
from sim.inputs import InputSpec, artifact_inputs, random_inputs, read_inputs

SPECS = [InputSpec("x", (2, 3), "float32"), InputSpec("y", (4,), "int8")]


def test_random_inputs_repeat_with_their_seed() -> None:
    first, again, other = (random_inputs(SPECS, seed) for seed in (1, 1, 2))
    assert [a.dtype.name for a in first] == ["float32", "int8"]
    assert [a.shape for a in first] == [(2, 3), (4,)]
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_random_integers_reach_both_ends() -> None:
    (array,) = random_inputs([InputSpec("x", (4096,), "int8")], 0)
    assert (array.min(), array.max()) == (-128, 127)


def test_reads_by_name_and_ignores_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "in.npz"
    x, y = random_inputs(SPECS, 3)
    np.savez(path, labels=np.zeros(1), y=y, x=x)
    found = read_inputs(path, SPECS)
    assert np.array_equal(found[0], x)
    assert np.array_equal(found[1], y)
    assert np.array_equal(artifact_inputs(["x"], path)[0], x)
    with pytest.raises(ModelError, match="has no array z, an input of the model; it has labels"):
        artifact_inputs(["z"], path)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.zeros((2, 3), np.float32)}, "has no array y, an input of the model; it has x"),
        (
            {"x": np.zeros((3, 3), np.float32), "y": np.zeros(4, np.int8)},
            "x is float32 [3, 3], the model takes float32 [2, 3]",
        ),
        (
            {"x": np.zeros((2, 3)), "y": np.zeros(4, np.int8)},
            "x is float64 [2, 3], the model takes float32 [2, 3]",
        ),
    ],
)
def test_refuses_inputs_that_do_not_fit(
    tmp_path: Path, arrays: dict[str, Any], message: str
) -> None:
    path = tmp_path / "in.npz"
    np.savez(path, **arrays)
    with pytest.raises(ModelError) as caught:
        read_inputs(path, SPECS)
    assert message in str(caught.value)


def test_refuses_a_file_that_is_no_npz(tmp_path: Path) -> None:
    path = tmp_path / "in.npz"
    path.write_text("not numbers")
    with pytest.raises(ModelError, match="not a readable"):
        read_inputs(path, SPECS)
    with pytest.raises(ModelError, match="not a readable"):
        artifact_inputs(["x"], path)
