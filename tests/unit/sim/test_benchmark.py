# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import io
import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from rich.table import Table

from accel.config import AccelConfig
from accel.driver import Counters, Outcome
from accel.errors import ModelError, PlanError
from accel.isa import COMMAND_WORDS
from accel.program import Program
from sim.attribution import Use
from sim.backends.rtl_device import cpu_seconds_of
from sim.benchmark import __main__ as cli
from sim.benchmark.anchors import ANCHORS, SIMULATOR_ANCHORS, Anchor, Kind, anchors_of
from sim.benchmark.measure import Measurement, bus_cycles
from sim.benchmark.report import (
    Results,
    Run,
    document,
    label,
    network_table,
    speed_table,
    sweep_table,
)
from sim.benchmark.suite import MODELS, NETWORKS, expand, memories_of, provide
from sim.compare import Call
from sim.memory import MODELS as MEMORY_MODELS
from sim.memory import MemoryModel
from sim.report import LayerRow
from sim.steps import Status, take

FIGURES = {
    "cycles",
    "macs",
    "ideal_cycles",
    "bus_cycles",
    "utilization",
    "roofline",
    "attribution",
    "offloaded_macs",
    "read_bytes",
    "write_bytes",
    "mismatched",
    "seconds",
}


def measurement(*, mismatched: int = 0, bus_cycles: int = 10) -> Measurement:
    """256,000 MACs in 2,000 cycles."""
    spent = dict.fromkeys(Use, 0.0) | {Use.USEFUL: 1_000.0, Use.EDGE: 500.0, Use.WEIGHT: 500.0}
    return Measurement(
        total=LayerRow("total", "", "", "", 256_000, cycles=2_000, spent=spent),
        macs=256_000,
        ideal_cycles=1_000,
        bus_cycles=bus_cycles,
        read_bytes=64,
        write_bytes=32,
        mismatched=mismatched,
        seconds=0.5,
    )


def run(network: str = "resnet8", config: str = "default", **facts: int) -> Run:
    return Run(network, config, dict.fromkeys(memories_of(network), measurement(**facts)))


def drawn(table: Table) -> str:
    console = Console(file=io.StringIO(), width=160)
    console.print(table)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_document_has_figures_by_network_and_memory() -> None:
    results = Results([run(), run(config="small")], {"verilator": 1e6})
    report = json.loads(json.dumps(document(results)))
    assert list(report) == ["resnet8", "resnet8@small", "sim"]
    assert list(report["resnet8"]) == ["default", "ideal8", "fast", "slow"]
    figures = report["resnet8"]["default"]
    assert set(figures) == FIGURES
    assert set(figures["attribution"]) == {use.name.lower() for use in Use}
    assert sum(figures["attribution"].values()) == figures["cycles"]
    assert report["sim"] == {"verilator": 1e6}


def test_document_names_what_failed() -> None:
    report = document(Results([run()], failures={"resnet50": "does not fit"}))
    assert report["failed"] == {"resnet50": "does not fit"}
    assert "resnet8" in report


def test_utilization_and_roofline() -> None:
    assert measurement().utilization == measurement().roofline == 0.5
    assert measurement(bus_cycles=1_800).roofline == 0.9


@pytest.mark.parametrize(("memory", "cycles"), [("default", 40), ("ideal8", 80)])
def test_bus_cycles_count_every_byte_once(memory: str, cycles: int) -> None:
    """600 and 40 bytes in, 100 out: reads take longer, and writes go beside them."""
    call = Call("region", program(constants=600, inputs=40, outputs=100), (), OUTCOME)
    assert bus_cycles([call], AccelConfig(), MEMORY_MODELS[memory]) == cycles


def test_bus_cycles_are_limited_by_the_bus() -> None:
    call = Call("region", program(constants=0, inputs=0, outputs=160), (), OUTCOME)
    assert bus_cycles([call, call], AccelConfig(), MemoryModel(bytes_per_cycle=64)) == 20


OUTCOME = Outcome((), Counters(0, {}, {}, 0, 0), None)


def program(*, constants: int, inputs: int, outputs: int) -> Program:
    return Program(
        name="region",
        config_digest="",
        words=np.zeros((0, COMMAND_WORDS), np.uint32),
        layer_of=(),
        layers=(),
        constants=np.zeros(constants, np.uint8),
        inputs=(),
        outputs=(),
        input_bytes=inputs,
        output_bytes=outputs,
        scratch_bytes=0,
    )


def test_table_has_every_memory_and_the_published_figures() -> None:
    text = drawn(network_table([run()]))
    for memory in memories_of("resnet8"):
        assert f"{memory} " in text
    assert "2,000 │ 50.0% │ 50.0%" in text
    assert "weight 25%" in text
    for anchor in anchors_of("resnet8"):
        line = next(line for line in text.splitlines() if anchor.system in line)
        assert f"{anchor.cycles:,}" in line
        assert anchor.kind.value in line
        assert f"{anchor.cycles / 2_000:.2f}" in line
    assert "latency" in text


def test_published_figures_stand_beside_the_default_configuration_only() -> None:
    text = drawn(network_table([run(config="small")]))
    assert "resnet8@small" in text
    assert "GAP9" not in text


def test_table_says_how_many_elements_are_wrong() -> None:
    assert "7 wrong" in drawn(network_table([run(mismatched=7)]))
    assert "wrong" not in drawn(network_table([run()]))


def test_sweep_has_a_line_for_each_product() -> None:
    text = drawn(sweep_table([run("gemm_16x32x64"), run("gemm_8x8x8", mismatched=3)]))
    assert [line.split()[0] for line in text.splitlines() if "256,000" in line] == [
        "16x32x64",
        "8x8x8",
    ]
    assert "OpenGeMM" in text


def test_speeds_stand_beside_published_ones() -> None:
    text = drawn(speed_table({"verilator": 1_234_567.8}))
    assert "1,234,568" in text
    assert all(system in text for system, _, _ in SIMULATOR_ANCHORS)


@pytest.mark.parametrize("anchor", ANCHORS, ids=lambda a: f"{a.network}-{a.system}")
def test_anchors_belong_to_something_measured(anchor: Anchor) -> None:
    assert anchor.network in NETWORKS
    assert anchor.memory in memories_of(anchor.network)
    assert anchor.source


def test_anchors_are_those_of_the_sources() -> None:
    """Utilization that the sources state, from cycles and MACs."""
    macs = {"resnet8": 12_501_632, "resnet18_convs": 1_695_547_392}
    stated = {("resnet8", Kind.ESTIMATE): 0.456, ("resnet18_convs", Kind.RTL): 0.857}
    for (network, kind), share in stated.items():
        (anchor,) = (a for a in anchors_of(network) if a.kind is kind)
        assert macs[network] / 256 / anchor.cycles == pytest.approx(share, abs=5e-4)


def test_small_networks_show_latency() -> None:
    assert {MEMORY_MODELS[m].latency for m in memories_of("ds_cnn")} == {0, 10, 40, 100}
    assert memories_of("resnet50") == memories_of("gemm_16x16x16") == ("default", "ideal8")


def test_expand_knows_names_groups_and_files() -> None:
    found = expand(["digits", "mine.onnx", "gemm", "digits"])
    assert found[:2] == [MODELS / "digits.onnx", Path("mine.onnx")]
    assert MODELS / "gemm_512x512x512.onnx" in found[2:]
    assert len(found) == len(set(found))


def test_expand_names_what_it_does_not_know() -> None:
    with pytest.raises(ModelError, match="lenet"):
        expand(["lenet"])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no file .*mine\.onnx"):
        provide(tmp_path / "mine.onnx")


def test_label_names_other_configurations() -> None:
    assert label("resnet8", "default") == "resnet8"
    assert label("resnet8", "wide") == "resnet8@wide"


def succeed(results: Results, status: Status) -> None:
    status("running")
    results.runs.append(run())


def refuse(results: Results, status: Status) -> None:
    raise PlanError("conv1 does not fit")


def crash(results: Results, status: Status) -> None:
    raise KeyError("conv1")


def mismatch(results: Results, status: Status) -> None:
    results.runs.append(run("ds_cnn", mismatched=1))


def test_a_failure_keeps_the_other_results() -> None:
    results, said = Results(), []
    for name, act in {"a": refuse, "b": crash, "c": succeed}.items():
        take((name, act), results, said.append)
    assert [r.network for r in results.runs] == ["resnet8"]
    assert results.failures["a"] == "conv1 does not fit"
    assert "in crash" in results.failures["b"]
    assert said == ["c: running"]


@pytest.mark.parametrize(
    ("acts", "status"), [([succeed], 0), ([succeed, mismatch], 1), ([refuse, succeed], 2)]
)
def test_command_line(
    acts, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.setattr(cli, "steps", lambda *_: [(act.__name__, act) for act in acts])
    out = tmp_path / "new" / "bench.json"
    assert cli.main(["digits", "--json", str(out)]) == status
    captured = capsys.readouterr()
    assert "2,000" in captured.out
    assert "resnet8" in json.loads(out.read_text(encoding="utf-8"))
    assert ("refuse: conv1 does not fit" in captured.err) == (status == 2)


def test_command_line_names_a_wrong_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["digits", "--config", "default,huge"]) == 2
    assert "huge" in capsys.readouterr().err


def test_cpu_time_of_a_process_is_its_own() -> None:
    before = time.process_time()
    measured = cpu_seconds_of(os.getpid())
    assert before <= measured <= time.process_time()
