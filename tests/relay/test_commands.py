# SPDX-License-Identifier: Apache-2.0
"""`--ir relay` on the command lines, and the library that comes out."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from codegen.compile import main as compile_main
from codegen.relay.compile import compile_relay
from sim.build import ROOT
from sim.relay_model import RelayModel
from sim.run import main as run
from tests.relay.conftest import RELAX_PYTHON
from tests.relay.running import CONFIG

FRESH = """
import sys
import numpy as np
import tvm
from tvm.contrib.graph_executor import GraphModule
from accel.config import AccelConfig
from accel.driver import Driver
from accel.model.device import ModelDevice
from accel.tvm_runtime import bind

assert not any(name.split(".")[0] in ("codegen", "sim") for name in sys.modules)
config = AccelConfig()
driver = Driver(ModelDevice(config, 1 << 24), config)
machine = GraphModule(tvm.runtime.load_module(sys.argv[1])["default"](tvm.cpu()))
machine.set_input("input", np.load(sys.argv[2])["input"])
if sys.argv[3:]:
    with bind(lambda program, inputs: driver.run(program, inputs).outputs):
        machine.run()
    np.save(sys.argv[3], machine.get_output(0).numpy())
else:
    machine.run()
"""


def test_library_runs_in_a_fresh_process(network: Callable[[str], Path], tmp_path: Path) -> None:
    """With nothing but the TVM runtime and the driver; without a driver it says so."""
    path = network("digits")
    assert compile_main([str(path), "--ir", "relay", "--emit", "lib", "-o", str(tmp_path)]) == 0
    sample = path.with_suffix(".npz")
    command = [sys.executable, "-c", FRESH, str(tmp_path / "digits.so"), str(sample)]
    subprocess.run([*command, str(tmp_path / "y.npy")], cwd=ROOT, check=True)
    golden = RelayModel(path, compile_relay(path, CONFIG)).golden([np.load(sample)["input"]])
    assert np.array_equal(np.load(tmp_path / "y.npy"), golden[0])
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "no driver" in done.stderr


def test_sim_runs_itself_where_relay_is(network: Callable[[str], Path], tmp_path: Path) -> None:
    """Started in .venv; on RTL under cocotb."""
    path, out = network("digits"), tmp_path / "result.json"
    command = [str(RELAX_PYTHON), "-m", "sim.run", str(path), "--ir", "relay", "--annotate", "op"]
    command += ["--input", str(path.with_suffix(".npz")), "--backend", "cocotb"]
    done = subprocess.run(
        [*command, "--json", str(out)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("PASS")
    result = json.loads(out.read_text(encoding="utf-8"))
    assert result["match"]
    assert result["mismatched"] == 0
    assert 0 < result["cycles"] <= 1530
    assert result["offloaded_macs"] == result["macs"] == 230_720
    assert set(result["against"]) == {"Relay's qnn ops on TVM host", "onnxruntime"}


def test_artifact_and_report(
    network: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = network("digits")
    assert compile_main([str(path), "--ir", "relay", "-o", str(tmp_path)]) == 0
    library = [str(tmp_path / "digits.so"), "--ir", "relay", "--backend", "model"]
    assert run([*library, "--input", str(path.with_suffix(".npz"))]) == 0
    capsys.readouterr()
    assert compile_main([str(path), "--ir", "relay", "--emit", "report"]) == 0
    report = json.loads(capsys.readouterr().out)
    where = {node["node"]: node["where"] for node in report["nodes"]}
    assert where["conv1"] == "accelerator"
    assert where["input_QuantizeLinear"] == "host"
    assert where["conv1.weight_DequantizeLinear"] == "absorbed"
    assert report["float_error_bound"] < 0.5


def test_relax_is_not_here(
    network: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([str(network("digits")), "--backend", "model"]) == 2
    assert "give --ir relay" in capsys.readouterr().err
