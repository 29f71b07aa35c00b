# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path
from pkgutil import resolve_name

import numpy as np
import onnx
import pytest

from models import build as cli
from models.network import BuildError, Network, Progress, silent
from models.onnx_builder import GraphBuilder


class CountingBuilder:
    """Makes a network of one layer and counts how often."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, report: Progress) -> Network:
        self.calls += 1
        report("building", 0.5)
        weight, bias = np.ones((3, 2), np.float32), np.zeros(3, np.float32)
        g = GraphBuilder("tiny", {"input": (1, 2)})
        model = g.finish({"output": g.gemm("dense", "input", weight, bias)})
        labels = {"input": np.zeros((4, 2)), "labels": np.arange(4)}
        return Network(model, model, {"input": np.ones((1, 2))}, {"test": labels}, {"score": 0.5})


def test_build_writes_models_sample_test_split_and_facts(tmp_path: Path) -> None:
    facts = cli.build("tiny", tmp_path / "new", silent, CountingBuilder())

    written = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert written == ["tiny.float.onnx", "tiny.json", "tiny.npz", "tiny.onnx", "tiny_test.npz"]
    onnx.checker.check_model(onnx.load(tmp_path / "new" / "tiny.onnx"))
    assert list(np.load(tmp_path / "new" / "tiny_test.npz")["labels"]) == [0, 1, 2, 3]
    saved = json.loads((tmp_path / "new" / "tiny.json").read_text())
    assert (saved["macs"], saved["score"], facts["macs"]) == (6, 0.5, 6)


def test_second_build_does_nothing(tmp_path: Path) -> None:
    builder = CountingBuilder()
    cli.build("tiny", tmp_path, silent, builder)
    facts = cli.build("tiny", tmp_path, silent, builder)
    assert builder.calls == 1
    assert facts["seconds"] == 0
    assert facts["score"] == 0.5


@pytest.mark.parametrize("damage", ["missing", "key", "unreadable"])
def test_build_is_repeated_when_something_changed(tmp_path: Path, damage: str) -> None:
    builder = CountingBuilder()
    cli.build("tiny", tmp_path, silent, builder)
    facts = tmp_path / "tiny.json"
    if damage == "missing":
        (tmp_path / "tiny.npz").unlink()
    elif damage == "key":
        facts.write_text(facts.read_text().replace('"key": "', '"key": "0'))
    else:
        facts.write_text("{")
    cli.build("tiny", tmp_path, silent, builder)
    assert builder.calls == 2


def test_key_changes_with_the_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "SOURCES", tmp_path)
    before = cli.source_key()
    (tmp_path / "new.py").write_text("x = 1\n")
    assert cli.source_key() != before


def test_cli_reports_macs_and_accuracy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["autoencoder", "-o", str(tmp_path)]) == 0
    assert "264,192" in capsys.readouterr().out


def test_cli_lists_what_a_group_stands_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--list", "digits", "gemm", "digits"]) == 0
    listed = capsys.readouterr().out.split()
    assert listed == ["digits", *cli.GROUPS["gemm"]]


def test_every_network_has_a_builder() -> None:
    """The builders are named in text; a wrong name would show only when one is built."""
    assert all(callable(resolve_name(name)) for name in cli.BUILDERS.values())


def test_cli_says_in_one_line_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(report: Progress) -> Network:
        raise BuildError("the wheel is not installed; `make setup` does it")

    monkeypatch.setitem(cli.NETWORKS, "ppocr_cls", refuse)
    assert cli.main(["ppocr_cls", "-o", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "error: the wheel is not installed; `make setup` does it\n"


def test_cli_refuses_unknown_names(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(["lenet"])
    assert "lenet" in capsys.readouterr().err
