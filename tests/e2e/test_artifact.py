# SPDX-License-Identifier: Apache-2.0
"""What `codegen.compile` writes stands on its own: library, program, listing, report."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from accel.codec import assemble, encode
from accel.config import AccelConfig
from accel.driver import Driver
from accel.model.device import ModelDevice
from accel.program import from_bytes
from codegen.compile import compile_model
from codegen.compile import main as compile_main
from sim.build import ROOT
from sim.compare import export_and_load, input_names, run_host

FRESH = """
import sys
import numpy as np
import tvm
from tvm.runtime.vm import VirtualMachine
from accel.config import AccelConfig
from accel.driver import Driver
from accel.model.device import ModelDevice
from accel.tvm_runtime import bind

assert not any(name.split(".")[0] in ("codegen", "sim") for name in sys.modules)
config = AccelConfig()
driver = Driver(ModelDevice(config, 1 << 24), config)
machine = VirtualMachine(tvm.runtime.load_module(sys.argv[1]), tvm.cpu())
x = np.load(sys.argv[2])[sys.argv[3]]
with bind(lambda program, inputs: driver.run(program, inputs).outputs):
    y = machine["main"](tvm.runtime.tensor(x))
np.save(sys.argv[4], y.numpy())
"""


def test_artifact_runs_in_a_fresh_process(network: Callable[[str], Path], tmp_path: Path) -> None:
    """With nothing but the TVM runtime and the driver: no compiler, no simulator."""
    model = network("digits")
    assert compile_main([str(model), "--emit", "lib", "-o", str(tmp_path)]) == 0
    config = AccelConfig()
    compiled = compile_model(model, config)
    (name,) = input_names(compiled)
    arguments = [str(tmp_path / "digits.so"), str(model.with_suffix(".npz")), name]
    command = [sys.executable, "-c", FRESH, *arguments, str(tmp_path / "y.npy")]
    subprocess.run(command, cwd=ROOT, check=True)
    inputs = [np.load(model.with_suffix(".npz"))[name]]
    assert np.array_equal(np.load(tmp_path / "y.npy"), run_host(compiled.integer, inputs)[0])


def test_artifact_without_a_driver_says_so(network: Callable[[str], Path], tmp_path: Path) -> None:
    model = network("digits")
    assert compile_main([str(model), "-o", str(tmp_path)]) == 0
    script = (
        "import sys, numpy as np, tvm\n"
        "from tvm.runtime.vm import VirtualMachine\n"
        "m = VirtualMachine(tvm.runtime.load_module(sys.argv[1]), tvm.cpu())\n"
        "m['main'](tvm.runtime.tensor(np.load(sys.argv[2])['input']))\n"
    )
    name = next(iter(np.load(model.with_suffix(".npz"))))
    command = [sys.executable, "-c", script.replace("'input'", repr(name))]
    done = subprocess.run(
        [*command, str(tmp_path / "digits.so"), str(model.with_suffix(".npz"))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "no driver" in done.stderr


def test_artifact_follows_the_driver_that_is_bound(network: Callable[[str], Path]) -> None:
    """An artifact keeps no hold of a device that is closed by now."""
    model, config = network("digits"), AccelConfig()
    compiled = compile_model(model, config)
    artifact = export_and_load(compiled)
    inputs = [np.load(model.with_suffix(".npz"))[name] for name in input_names(compiled)]
    for _ in range(2):
        with ModelDevice(config, 1 << 24) as device:
            artifact.run(Driver(device, config), inputs)
            assert any(sram.any() for sram in device.machine.state.srams.values())


def test_emitted_program_gives_the_same_result(
    network: Callable[[str], Path], tmp_path: Path
) -> None:
    model = network("digits")
    assert compile_main([str(model), "--emit", "bin", "-o", str(tmp_path)]) == 0
    config = AccelConfig()
    program = from_bytes((tmp_path / "digits.tessera_0.bin").read_bytes())
    data = np.random.default_rng(0).integers(-128, 128, program.inputs[0].host_shape, np.int8)
    with ModelDevice(config, 1 << 24) as device:
        outputs = Driver(device, config).run(program, [data]).outputs
    with ModelDevice(config, 1 << 24) as device:
        direct = compile_model(model, config).programs["tessera_0"]
        assert np.array_equal(outputs[0], Driver(device, config).run(direct, [data]).outputs[0])


def test_listing_is_the_stream(
    network: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """Every write is listed with its meaning and node; the text assembles to the same words."""
    model = network("digits")
    assert compile_main([str(model), "--emit", "cmds"]) == 0
    lines = capsys.readouterr().out.splitlines()
    words = compile_model(model, AccelConfig()).programs["tessera_0"].words
    writes = [line for line in lines if line.startswith("0x")]
    assert [int(line.split()[1], 16) for line in writes] == words.reshape(-1).tolist()
    commands = [line[2:] for line in lines if line.startswith("# #")]
    assert np.array_equal(np.stack([encode(assemble(text)) for text in commands]), words)
    assert any("in_addr=" in line and line.endswith("ONNX conv1") for line in writes)


def test_report_accounts_for_every_node(
    network: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert compile_main([str(network("ppocr_cls")), "--emit", "report"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert {node["where"] for node in report["nodes"]} == {"accelerator", "host", "absorbed"}
    assert all(node["why"] for node in report["nodes"])
    assert report["float_error_bound"] < 0.5
