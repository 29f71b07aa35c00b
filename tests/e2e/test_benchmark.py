# SPDX-License-Identifier: Apache-2.0
"""`python -m sim.benchmark` on networks that are quick to simulate."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from sim.benchmark.__main__ import main


def test_measures_compares_and_goes_on(network: Callable[[str], Path], tmp_path: Path) -> None:
    for name in ("digits", "gemm_50x50x50", "resnet8"):
        network(name)
    out = tmp_path / "bench.json"
    missing = tmp_path / "missing.onnx"
    assert main(["digits", str(missing), "gemm_50x50x50", "--json", str(out)]) == 2

    report = json.loads(out.read_text(encoding="utf-8"))
    assert list(report["failed"]) == ["missing"]
    for name, macs in {"digits": 230_720, "gemm_50x50x50": 125_000}.items():
        for figures in report[name].values():
            assert figures["mismatched"] == 0
            assert figures["macs"] == figures["offloaded_macs"] == macs
            assert sum(figures["attribution"].values()) == figures["cycles"]
            assert max(figures["ideal_cycles"], figures["bus_cycles"]) <= figures["cycles"]
    latencies = [report["digits"][memory]["cycles"] for memory in ("fast", "default", "slow")]
    assert latencies == sorted(latencies)
    assert all(report["sim"][simulator] > 0 for simulator in ("verilator", "cocotb"))
