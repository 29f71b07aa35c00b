# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from accel.errors import PlanError
from codegen.explanation import HOST, NodeFate
from sim.accuracy import Accuracy
from sim.compare import Difference
from sim.coverage import __main__ as cli
from sim.coverage.measure import Coverage, Left, grouped
from sim.coverage.report import Results, coverage_table, document, left_summary, reasons_table

ROW = Coverage(
    network="net",
    ops=12,
    macs=2_000,
    offloaded={"exact": 1_900, "flexible": 2_000},
    regions=2,
    left=(
        Left("Concat", 3, "joins_channels: 1 and 2"),
        Left("Concat", 1, "no pattern"),
        Left("LRN", 2, "no pattern"),
    ),
    conversions=4,
    elements=10,
    tvm_host=Difference(10, 0, 0.0),
    float_form=Difference(10, 0, 0.0),
    onnxruntime=Difference(10, 3, 0.5),
    span=20.0,
    accuracy=Accuracy(40, "model", 0.9, 0.875, 0.95, 1.0),
    seconds=1.0,
    offloaded_ops={"exact": 5, "flexible": 6},
)


def text_of(table: object) -> str:
    console = Console(width=220)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def test_the_table_shows_shares_differences_and_accuracies() -> None:
    shown = text_of(coverage_table([ROW]))
    for cell in (
        "95.00%",
        "100.00%",
        "5 / 6",
        "3/10, 2.5%",
        "95.0% / 87.5% / 90.0%",
        "Concat 4, LRN 2",
    ):
        assert cell in shown


def test_one_way_to_match_is_one_column() -> None:
    shown = text_of(coverage_table([replace(ROW, offloaded={"exact": 2_000})]))
    assert "flexible" not in shown


def test_wrong_bits_stand_out() -> None:
    wrong = replace(ROW, tvm_host=Difference(10, 7, 1.0))
    assert "7 wrong" in text_of(coverage_table([wrong]))
    assert Results([ROW, wrong]).mismatched == 7


def test_a_network_that_is_all_on_the_accelerator_leaves_nothing() -> None:
    assert left_summary(replace(ROW, left=())) == "none"


def test_reasons_are_gathered_over_the_networks() -> None:
    shown = text_of(reasons_table([ROW, replace(ROW, network="other")]))
    line = next(line for line in shown.splitlines() if "joins_channels" in line)
    assert "6" in line
    assert "net, other" in line


def test_nodes_are_grouped_by_operator_and_predicate() -> None:
    fates = [
        NodeFate("a", "Concat", HOST, "rule: 1"),
        NodeFate("b", "Concat", HOST, "rule: 2"),
        NodeFate("c", "LRN", HOST, "rule: 1"),
    ]
    assert grouped(fates) == (Left("Concat", 2, "rule: 1"), Left("LRN", 1, "rule: 1"))


def test_the_document_has_all_figures() -> None:
    report = json.loads(json.dumps(document(Results([ROW], {"bad": "why"}))))
    assert report["net"]["offloaded_share"] == {"exact": 0.95, "flexible": 1.0}
    assert report["net"]["left"][0] == {
        "op": "Concat",
        "count": 3,
        "why": "joins_channels: 1 and 2",
    }
    assert report["failed"] == {"bad": "why"}


Measure = Callable[..., Coverage]


def fake(fails: set[str], wrong: set[str]) -> Measure:
    def measure(path: Path, *_: object) -> Coverage:
        if path.stem in fails:
            raise PlanError("does not fit")
        mismatched = 1 if path.stem in wrong else 0
        return replace(ROW, network=path.stem, tvm_host=Difference(10, mismatched, 0.0))

    return measure


@pytest.mark.parametrize(
    ("fails", "wrong", "status"), [("", "", 0), ("", "b", 1), ("a", "b", 2), ("a", "", 2)]
)
def test_status_says_what_happened_and_nothing_stops_the_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fails: str, wrong: str, status: int
) -> None:
    monkeypatch.setattr(cli, "measure", fake({*fails}, {*wrong}))
    monkeypatch.setattr(cli, "provide", lambda path: None)
    out = tmp_path / "coverage.json"
    files = [str(tmp_path / f"{name}.onnx") for name in "abc"]
    assert cli.main([*files, "--json", str(out)]) == status
    report = json.loads(out.read_text())
    assert set(report) - {"failed"} == {"a", "b", "c"} - {*fails}
    assert list(report.get("failed", {})) == [*fails]


def test_an_unknown_configuration_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["digits", "--config", "nonsense"]) == 2
    assert "nonsense" in capsys.readouterr().err
