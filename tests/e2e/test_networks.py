# SPDX-License-Identifier: Apache-2.0
"""Whole networks, from ONNX to every backend, equal to TVM's host execution in every bit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sim.accuracy import main as accuracy
from sim.run import main as run

BACKENDS = ("model", "verilator", "cocotb")
NETWORKS = {
    "digits": 230_720,
    "resnet8": 12_501_632,
    "ds_cnn": 2_656_768,
    "mobilenet_v1_025_96": 7_489_664,
    "autoencoder": 264_192,
}
CYCLES = {
    "digits": 1_530,
    "resnet8": 50_200,
    "ds_cnn": 13_000,
    "mobilenet_v1_025_96": 42_100,
    "autoencoder": 17_950,
}
"""Upper bounds at 16 x 16 with the default memory model."""


def result_of(model: Path, backend: str, folder: Path, *more: str) -> dict[str, Any]:
    """JSON result of `python -m sim.run`."""
    out = folder / "result.json"
    status = run([str(model), "--backend", backend, "--json", str(out), *more])
    result: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    assert (status == 0) == result["match"]
    return result


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", NETWORKS)
def test_network_is_bit_exact(
    network: Callable[[str], Path], tmp_path: Path, name: str, backend: str
) -> None:
    model = network(name)
    result = result_of(model, backend, tmp_path, "--input", str(model.with_suffix(".npz")))
    assert result["match"]
    assert result["mismatched"] == 0
    assert result["offloaded_macs"] == result["macs"] == NETWORKS[name]
    if backend != "model":
        assert 0 < result["cycles"] <= CYCLES[name]
        assert sum(layer["cycles"] or 0 for layer in result["layers"]) == result["cycles"]


@pytest.mark.parametrize(("memory", "more"), [("fast", 0), ("slow", 600)])
@pytest.mark.parametrize("name", NETWORKS)
def test_memory_latency_is_hidden(
    network: Callable[[str], Path], tmp_path: Path, name: str, memory: str, more: int
) -> None:
    """10 and 100 cycles of latency instead of 40: only the first loads and the last store show."""
    result = result_of(network(name), "verilator", tmp_path, "--memory", memory)
    assert result["match"]
    assert result["cycles"] <= CYCLES[name] + more


@pytest.mark.parametrize("backend", BACKENDS)
def test_network_from_a_wheel_is_bit_exact(
    network: Callable[[str], Path], tmp_path: Path, backend: str
) -> None:
    """PP-OCR's text-angle classifier: nobody here wrote it; parts of it stay on the host."""
    model = network("ppocr_cls")
    result = result_of(model, backend, tmp_path, "--input", str(model.with_suffix(".npz")))
    assert result["match"]
    assert result["offloaded_macs"] == result["macs"]


@pytest.mark.parametrize("name", ["digits", "resnet8"])
def test_cycles_are_attributed_to_the_last_one(
    network: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    """Per layer and over the network, exactly; and the network stays under its roof."""
    result = result_of(network(name), "verilator", tmp_path)
    total = {"cycles": result["cycles"], "attribution": result["attribution"]}
    timed = [row for row in result["layers"] if row["cycles"]]
    for row in [*timed, total]:
        assert sum(row["attribution"].values()) == row["cycles"]
        assert all(spent >= 0 for spent in row["attribution"].values())
    for use, spent in result["attribution"].items():
        assert sum(row["attribution"][use] for row in timed) == spent
    assert result["attribution"]["useful"] == result["offloaded_macs"] / 256
    moved = max(sum(row[way] for row in timed) for way in ("bytes_read", "bytes_written"))
    assert max(result["attribution"]["useful"], moved / 16) <= result["cycles"]


def test_both_simulators_count_the_same_cycles(
    network: Callable[[str], Path], tmp_path: Path
) -> None:
    model = network("resnet8")
    counted = {b: result_of(model, b, tmp_path)["cycles"] for b in ("verilator", "cocotb")}
    assert counted["verilator"] == counted["cocotb"]


@pytest.mark.parametrize("config", ["tiny", "small", "tall"])
def test_other_array_sizes_under_random_stalls(
    network: Callable[[str], Path], tmp_path: Path, config: str
) -> None:
    """4 x 4, 8 x 8 and 8 x 16, assertions on, memory that stalls at random."""
    more = ("--config", config, "--checks", "--memory", "random,seed=3")
    assert result_of(network("digits"), "verilator", tmp_path, *more)["match"]


def test_accuracy_of_the_trained_network(network: Callable[[str], Path], tmp_path: Path) -> None:
    """The whole test split on the model, a sample on RTL: as onnxruntime, at least 97 %."""
    model = network("digits")
    test = model.with_name("digits_test.npz")
    for backend, limit in (("model", 10_000), ("verilator", 40)):
        out = tmp_path / f"{backend}.json"
        arguments = ["--backend", backend, "--limit", str(limit), "--json", str(out)]
        assert accuracy([str(model), str(test), *arguments]) == 0
        found = json.loads(out.read_text(encoding="utf-8"))
        assert found["accelerator"] >= 0.97
        assert abs(found["accelerator"] - found["onnxruntime_int8"]) <= 0.005
