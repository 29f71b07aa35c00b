# SPDX-License-Identifier: Apache-2.0
"""`python -m sim.run` on models, artifacts and programs: verdict, JSON, waves, messages."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from accel.config import load_config
from accel.device import Device
from accel.errors import CommandError
from accel.isa import Cause
from codegen.compile import compile_model
from codegen.compile import main as compile_main
from sim.backends.open_device import open_device
from sim.compare import export_and_load
from sim.memory import Fault, MemoryModel, Response
from sim.relax_model import RelaxModel
from sim.run import main
from sim.session import run_model
from tests.e2e.small_models import Net

TINY = "tiny"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    net = Net((1, 4, 8, 8))
    net.conv(4, 8)
    return net.quantized(tmp_path_factory.mktemp("run") / "net.onnx")


def failure(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Message of a run that a user's mistake ends."""
    assert main([*arguments, "--config", TINY]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    return " ".join(captured.err.split())


def inputs(folder: Path, **arrays: object) -> str:
    path = folder / "inputs.npz"
    np.savez(path, **arrays)  # type: ignore[arg-type]  # its stub takes allow_pickle for a name
    return str(path)


def test_model_table_json_and_verdict(
    capsys: pytest.CaptureFixture[str], model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "deep" / "result.json"
    assert main([str(model), "--config", TINY, "--json", str(out), "--seed", "4"]) == 0
    text = capsys.readouterr().out
    assert text.rstrip().splitlines()[-1].startswith("PASS ")
    assert "integer form against onnxruntime" in text
    result = json.loads(out.read_text())
    assert result["match"]
    assert result["mismatched"] == 0
    assert result["macs"] == result["offloaded_macs"] == 8 * 8 * 8 * 4 * 9
    assert sum(layer["cycles"] or 0 for layer in result["layers"]) == result["cycles"] > 0
    for layer in result["layers"]:
        assert sum(layer["attribution"].values()) == (layer["cycles"] or 0)


def test_report_is_a_page_with_its_figures(
    capsys: pytest.CaptureFixture[str], model: Path, tmp_path: Path
) -> None:
    assert main([str(model), "--config", TINY, "--report", str(tmp_path / "report")]) == 0
    assert "report: " in capsys.readouterr().out
    written = {path.name for path in (tmp_path / "report").iterdir()}
    assert written == {"index.html", "roofline.svg", "roofline.png"}
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert f"{8 * 8 * 8 * 4 * 9:,} MACs" in page


def test_artifact_and_program_run_alone(
    capsys: pytest.CaptureFixture[str], model: Path, tmp_path: Path
) -> None:
    for emit in ("lib", "bin"):
        assert (
            compile_main([str(model), "--config", TINY, "--emit", emit, "-o", str(tmp_path)]) == 0
        )
    x = np.random.default_rng(0).standard_normal((1, 4, 8, 8), np.float32)
    sample = inputs(tmp_path, x=x)
    (program,) = tmp_path.glob("*.bin")
    capsys.readouterr()
    assert main([str(tmp_path / "net.so"), "--config", TINY, "--input", sample]) == 0
    assert "PASS 512 elements equal to functional model" in capsys.readouterr().out
    assert main([str(program), "--config", TINY, "--seed", "2"]) == 0
    assert "PASS 512 elements equal to functional model" in capsys.readouterr().out
    assert "give them with --input" in failure(capsys, str(tmp_path / "net.so"))
    bad = inputs(tmp_path, x=x[:, :3])
    message = failure(capsys, str(tmp_path / "net.so"), "--input", bad)
    assert "TVM refuses the inputs" in message
    assert "shape[1] mismatch" in message


def test_waves_of_a_layer_by_its_onnx_node(model: Path, tmp_path: Path) -> None:
    waves = tmp_path / "a.fst"
    node = compile_model(model, load_config(TINY)).programs["tessera_0"].layers[0].node
    assert main([str(model), "--config", TINY, "--waves", str(waves), "--waves-layer", node]) == 0
    assert waves.stat().st_size > 1000
    assert {path.name for path in tmp_path.iterdir()} == {
        "a.fst",
        "a.fst.gtkw",
        "a.fst.ids.txt",
        "a.fst.sucl",
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--waves-layer", "x"], "need --waves FILE.fst"),
        (["--waves", "a.vcd"], "waves are written as .fst"),
        (["--waves", "{tmp}/a.fst", "--waves-commands", "a:b"], "give two command ids like 3:17"),
        (["--waves", "{tmp}/a.fst", "--waves-layer", "nix"], "nix: no such op or ONNX node"),
        (["--waves", "{tmp}/a.fst", "--backend", "model"], "the model backend has no signals"),
        (["--report", "{tmp}", "--backend", "model"], "the model backend has no cycles"),
        (["--report", "pyproject.toml"], "pyproject.toml: that is a file, not a folder"),
        (["--memory", "turbo"], "no memory model turbo"),
        (["--input", "nowhere.npz"], "nowhere.npz: not a readable .npz file"),
    ],
)
def test_options_that_cannot_be(
    capsys: pytest.CaptureFixture[str],
    model: Path,
    tmp_path: Path,
    arguments: list[str],
    message: str,
) -> None:
    filled = [argument.format(tmp=tmp_path) for argument in arguments]
    assert message in failure(capsys, str(model), *filled)


@pytest.mark.parametrize("name", ["empty.bin", "empty.so", "empty.onnx"])
def test_files_that_hold_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    path.touch()
    message = failure(capsys, str(path), "--input", inputs(tmp_path, x=np.zeros(1)))
    assert name in message


def test_a_bus_error_under_tvm_keeps_command_and_node(model: Path) -> None:
    """The error passes through TVM and comes out as it went in."""
    config = load_config(TINY)
    compiled = compile_model(model, config)
    node = compiled.programs["tessera_0"].layers[0].node
    broken = MemoryModel(faults=(Fault(0, 1 << 30, Response.SLVERR),))

    def open_broken(memory_bytes: int) -> Device:
        return open_device("verilator", config, memory_model=broken, memory_bytes=memory_bytes)

    with pytest.raises(CommandError) as caught:
        run_model(
            RelaxModel(model, compiled), export_and_load(compiled), config, open_broken, None, 0
        )
    assert caught.value.cause == Cause.AXI_READ
    assert f"ONNX node {node}" in str(caught.value)
