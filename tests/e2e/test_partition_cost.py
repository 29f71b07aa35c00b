# SPDX-License-Identifier: Apache-2.0
"""--partition cost: what goes to the host depends on given times; results never do."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from onnxruntime.quantization import QuantType

from accel.config import AccelConfig
from accel.driver import Driver
from accel.model.device import ModelDevice
from codegen.choices import ByCost, Choices
from codegen.compile import Compiled, compile_model, main
from codegen.cost import estimate
from codegen.explanation import ACCELERATOR, HOST
from codegen.host_times import HostTime, HostTimes, Workload, load_host_times
from codegen.partition.host_time import measure, workloads
from codegen.partition.to_ir import regions
from sim.compare import difference, export_and_load, run_host
from sim.run import main as run_main
from tests.e2e.small_models import Net

CONFIG = AccelConfig()
Array = npt.NDArray[Any]
TAIL = ("global_average_pool", "flatten_dense", "reshape")
Times = Callable[[str], float]
"""Microseconds by the text of a workload."""


def small_net() -> Net:
    """Two convolutions, the second with residual; pools and dense."""
    net = Net((1, 8, 8, 8))
    net.conv(8, 8)
    first = net.node("Relu")
    net.conv(8, 8)
    net.node("Add", net.last, first)
    net.node("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    net.node("GlobalAveragePool")
    net.node("Flatten")
    net.dense(8, 5)
    return net


def attention_net() -> Net:
    """Scores and mixing of one tensor, two heads."""
    net = Net((1, 32, 64))
    width = net.constant(np.array([1, 32, 2, 32]))

    def heads(perm: list[int]) -> str:
        dense = net.node("MatMul", "x", net.weights(64, 64))
        return net.node("Transpose", net.node("Reshape", dense, width), perm=perm)

    scores = net.node("MatMul", heads([0, 2, 1, 3]), heads([0, 2, 3, 1]))
    mixed = net.node("MatMul", scores, heads([0, 2, 1, 3]))
    merged = net.node("Transpose", mixed, perm=[0, 2, 1, 3])
    net.node("Reshape", merged, net.constant(np.array([1, 32, 64])))
    return net


@dataclass(frozen=True)
class Case:
    """A model, inputs, and what TVM's host computes."""

    path: Path
    inputs: list[Array]
    golden: list[Array]
    layers: int
    """Of --partition all."""


def case_of(net: Net, folder: Path) -> Case:
    path = net.quantized(folder / "net.onnx", QuantType.QUInt8)
    inputs: list[Array] = [np.random.default_rng(5).normal(0, 1, net.shape).astype(np.float32)]
    compiled = compile_model(path, CONFIG)
    golden = run_host(compiled.integer, inputs)
    assert difference(outputs(compiled, inputs), golden).same
    return Case(path, inputs, golden, layers(compiled))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return case_of(small_net(), tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def attention(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return case_of(attention_net(), tmp_path_factory.mktemp("attention"))


def by_cost(times: Times, mhz: float = 500) -> Choices:
    def host_us(asked: Mapping[str, Workload]) -> dict[str, float]:
        return {name: times(workload.what) for name, workload in asked.items()}

    return Choices(by_cost=ByCost(host_us, mhz))


def cheap(*kinds: str) -> Times:
    return lambda what: 0.0 if what.startswith(kinds) else 1e5


def outputs(compiled: Compiled, inputs: list[Array]) -> list[Array]:
    if not compiled.programs:
        return run_host(compiled.partitioned.module, inputs)
    with ModelDevice(CONFIG, 1 << 22) as device:
        return export_and_load(compiled).run(Driver(device, CONFIG), inputs)[0]


def layers(compiled: Compiled) -> int:
    return sum(len(program.layers) for program in compiled.programs.values())


def check(case: Case, compiled: Compiled) -> int:
    """Same results; all of the host has a reason. Returns the offloaded layers."""
    assert difference(outputs(compiled, case.inputs), case.golden).same
    for fate in compiled.explanation.nodes:
        assert (fate.where == HOST) == (fate.refusal is not None)
    return layers(compiled)


def test_a_slow_host_offloads_everything(small: Case) -> None:
    slow = compile_model(small.path, CONFIG, by_cost(lambda _: 1e5))
    assert layers(slow) == small.layers
    assert [decision.offloaded for decision in slow.explanation.decisions] == [True]


@pytest.mark.parametrize(
    ("kinds", "kept"),
    [((), 0), (TAIL, 3), (("conv2d",), 4)],
    ids=["all", "tail", "head"],
)
def test_results_never_change(small: Case, kinds: tuple[str, ...], kept: int) -> None:
    times = cheap(*kinds) if kinds else lambda _: 0.0
    compiled = compile_model(small.path, CONFIG, by_cost(times))
    assert check(small, compiled) == kept


def test_results_of_attention_never_change(attention: Case) -> None:
    """Where a product goes to the host, what splits and merges its heads follows."""
    compiled = compile_model(attention.path, CONFIG, by_cost(cheap("batch", "merge")))
    assert 0 < check(attention, compiled) < attention.layers


def test_what_is_joined_is_weighed_as_a_whole(tmp_path: Path) -> None:
    net = Net((1, 8, 8, 8))
    left = net.conv(8, 16)
    net.last = "x"
    net.node("Concat", left, net.conv(8, 16), axis=1)
    net.conv(32, 8)
    case = case_of(net, tmp_path)
    slow, fast = (
        compile_model(case.path, CONFIG, by_cost(lambda _, us=us: us)) for us in (1e5, 0.0)
    )
    assert check(case, slow) == case.layers
    assert slow.explanation.decisions[0].offloaded
    assert "concat2" in slow.explanation.decisions[0].nodes
    assert layers(fast) == 0
    concat = next(fate for fate in fast.explanation.nodes if fate.op == "Concat")
    assert concat.refusal is not None
    assert concat.refusal.rule == "offloading_pays"


def test_the_tail_that_the_host_does_for_nothing_goes_to_the_host(small: Case) -> None:
    times = cheap(*TAIL)
    explanation = compile_model(small.path, CONFIG, by_cost(times)).explanation
    fates = {fate.op: fate for fate in explanation.nodes}
    for op in ("Gemm", "GlobalAveragePool"):
        refusal = fates[op].refusal
        assert refusal is not None
        assert refusal.rule == "offloading_pays"
        assert refusal.detail.startswith("0.0 us on the host")
    assert fates["Conv"].where == fates["MaxPool"].where == ACCELERATOR
    dropped = [d for d in explanation.decisions if not d.offloaded]
    assert {name for d in dropped for name in d.nodes} >= {"gemm7", "globalaveragepool5"}
    assert explanation.decisions[-1].offloaded


def test_the_clock_decides(small: Case) -> None:
    fast, slow = (
        compile_model(small.path, CONFIG, by_cost(lambda _: 100.0, mhz)) for mhz in (1000.0, 0.1)
    )
    (decision,) = fast.explanation.decisions
    assert decision.offloaded
    assert decision.cycles == estimate(fast.programs["tessera_0"], CONFIG).cycles
    assert decision.accelerator_us == pytest.approx(decision.cycles / 1000 + 10)
    assert slow.programs == {}
    assert not any(d.offloaded for d in slow.explanation.decisions)
    fates = {fate.op: fate for fate in slow.explanation.nodes}
    assert fates["Conv"].refusal is not None
    assert "it pays above --clock" in fates["Conv"].refusal.remedy


def test_the_command_lines(small: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Times come from the file: nothing is measured."""
    path = small.path
    ops = workloads(next(iter(regions(compile_model(path, CONFIG).partitioned).values())))
    file = tmp_path / "times.json"
    entries = {w.key: HostTime(w.what, 1e4) for w in ops.values()}
    HostTimes(file, entries).save()
    before = file.read_bytes()
    chosen = ["--partition", "cost", "--clock", "250", "--host-times", str(file)]
    arguments = [str(path), "--emit", "report", "-o", str(tmp_path), *chosen]
    assert main(arguments) == 0
    assert "what pays at 250 MHz" in capsys.readouterr().err
    (decision,) = json.loads((tmp_path / "net.report.json").read_text())["decisions"]
    assert decision["offloaded"]
    assert decision["host_us"] == len(ops) * 1e4
    assert decision["accelerator_us"] == pytest.approx(decision["cycles"] / 250 + 10)
    assert "What offloading pays" in (tmp_path / "net.report.html").read_text()
    assert run_main([str(path), "--backend", "model", *chosen]) == 0
    captured = capsys.readouterr().out
    assert "what pays at 250 MHz" in captured
    assert captured.strip().splitlines()[-1].startswith("PASS")
    assert file.read_bytes() == before


@pytest.mark.parametrize("clock", ["0", "-5", "nan", "inf"])
def test_impossible_clocks(small: Case, capsys: pytest.CaptureFixture[str], clock: str) -> None:
    assert main([str(small.path), "--partition", "cost", f"--clock={clock}"]) == 2
    assert "a frequency in MHz above 0" in capsys.readouterr().err


def test_cost_needs_an_onnx_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "program.bin"
    file.write_bytes(b"")
    assert run_main([str(file), "--backend", "model", "--partition", "cost"]) == 2
    assert "--partition: the model is an ONNX" in capsys.readouterr().err


def test_workloads_are_told_apart_by_shapes_and_measured(tmp_path: Path) -> None:
    net = Net((1, 8, 8, 8))
    net.conv(8, 8)
    net.conv(8, 8)
    net.conv(8, 8, kernel=1)
    compiled = compile_model(net.quantized(tmp_path / "net.onnx"), CONFIG)
    (region,) = regions(compiled.partitioned).values()
    ops = list(workloads(region).values())
    assert [op.what for op in ops] == ["conv2d int8[1, 8, 8, 8] -> int8[1, 8, 8, 8]"] * 3
    assert ops[0].key == ops[1].key != ops[2].key
    times = load_host_times(tmp_path / "times.json")
    found = times.microseconds({str(i): op for i, op in enumerate(ops)}, measure)
    assert len(times.entries) == 2
    assert found["0"] == found["1"] > 0
    assert found["2"] > 0
