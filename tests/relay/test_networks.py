# SPDX-License-Identifier: Apache-2.0
"""Whole networks through Relay: as through Relax, and equal to Relay's host in every bit."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from accel.driver import Driver
from accel.program import Program, from_bytes
from codegen.relay.compile import compile_relay
from sim.backends.open_device import open_device
from sim.build import ROOT
from sim.inputs import inputs_for
from sim.relay_model import RelayModel
from sim.session import memory_bytes
from tests.relay.conftest import RELAX_PYTHON
from tests.relay.running import CONFIG

NETWORKS = ("digits", "resnet8", "mobilenet_v1_025_96", "autoencoder")


def through_relax(model: Path, folder: Path) -> Program:
    """The program that the Relax front gives, compiled in .venv."""
    command = [str(RELAX_PYTHON), "-m", "codegen.compile", str(model), "--emit", "bin"]
    subprocess.run([*command, "-o", str(folder)], cwd=ROOT, check=True, capture_output=True)
    (file,) = folder.glob("*.bin")
    return from_bytes(file.read_bytes())


@pytest.mark.parametrize("name", NETWORKS)
def test_network_is_as_through_relax(
    network: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    """The same layers and cycles on RTL, the same bits, and those of Relay's host."""
    path = network(name)
    compiled = compile_relay(path, CONFIG)
    model = RelayModel(path, compiled)
    inputs = inputs_for(model.inputs(), path.with_suffix(".npz"), 0)
    (program,) = compiled.programs.values()
    relax = through_relax(path, tmp_path)
    with open_device("verilator", CONFIG, memory_bytes=memory_bytes([program])) as device:
        driver = Driver(device, CONFIG)
        outputs, (call,) = model.artifact().run(driver, inputs)
        other = driver.run(relax, call.inputs)
    layers = [[(layer.name, layer.node) for layer in p.layers] for p in (program, relax)]
    assert layers[0] == layers[1]
    assert call.outcome.counters.cycles == pytest.approx(other.counters.cycles, rel=0.01)
    assert all(map(np.array_equal, call.outcome.outputs, other.outputs))
    assert all(map(np.array_equal, outputs, model.golden(inputs)))
