# SPDX-License-Identifier: Apache-2.0
"""--tune measures on RTL, keeps the fastest, and the next run uses it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sim.run import main as run


def test_tuned_network_is_exact_and_no_slower(
    network: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, database = str(network("digits")), tmp_path / "tune.json"
    cycles = []
    for index, more in enumerate((["--tune", "2"], ["--tune", "0"], [])):
        out = tmp_path / f"{index}.json"
        assert run([model, "--json", str(out), "--tune-db", str(database), *more]) == 0
        cycles.append(json.loads(out.read_text())["cycles"])
    assert "recipes for" in capsys.readouterr().out
    (entry,) = json.loads(database.read_text()).values()
    assert cycles[0] == cycles[1] == entry["cycles"] <= cycles[2]


def test_tune_needs_a_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    artifact = tmp_path / "model.so"
    artifact.touch()
    assert run([str(artifact), "--tune", "2"]) == 2
    assert "--tune N" in capsys.readouterr().err
