# SPDX-License-Identifier: Apache-2.0
"""A deliberately wrong line of RTL is found, and the failure names the layer."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from accel.config import AccelConfig
from accel.driver import Driver
from accel.model.device import ModelDevice
from codegen.compile import Compiled, compile_model
from sim.backends.verilator_device import VerilatorDevice
from sim.build import RTL, Kind, Variant, build
from sim.compare import (
    Culprit,
    difference,
    export_and_load,
    exposed_bytes,
    input_names,
    locate,
    run_host,
)
from sim.memory import MODELS
from sim.session import memory_bytes

CONFIG = AccelConfig()
MUTANTS = {
    "requantizer truncates": (
        "output/tessera_requantize.sv",
        "round_and_clip(product2_q[i],",
        "round_and_clip(product2_q[i] - (64'sd1 <<< (shift2_q[i] - 6'd1)),",
        "conv2d_0",
    ),
    "residual is ignored": (
        "output/tessera_rescale_add.sv",
        "+ SumBits'(9'(b_i[i]) - 9'(b_zp_i)) * SumBits'(b_mult_i)",
        "",
        "conv2d_2",
    ),
}


def run_with(
    rtl: Path, compiled: Compiled, inputs: list[np.ndarray]
) -> tuple[bool, Culprit | None]:
    """Whether the outputs are right, and the layer to blame if not."""
    simulator = build(CONFIG, Variant(Kind.LIBRARY), rtl=rtl)
    with VerilatorDevice(simulator, MODELS["default"], 1 << 24, None) as device:
        driver = Driver(device, CONFIG)
        outputs, calls = export_and_load(compiled).run(driver, inputs)
        same = difference(outputs, run_host(compiled.integer, inputs)).same
        return same, locate(compiled, calls, driver)


def test_locating_fits_the_memory_of_a_run(network: Callable[[str], Path]) -> None:
    """A run opens its device with room for every layer's result: locating must not fail."""
    model = network("resnet8")
    compiled = compile_model(model, CONFIG)
    inputs = [np.load(model.with_suffix(".npz"))[name] for name in input_names(compiled)]
    size = memory_bytes(list(compiled.programs.values()))
    size += exposed_bytes(compiled.graphs, CONFIG)
    with ModelDevice(CONFIG, size) as device:
        driver = Driver(device, CONFIG)
        _, calls = export_and_load(compiled).run(driver, inputs)
        assert locate(compiled, calls, driver) is None


@pytest.mark.parametrize("mutant", MUTANTS)
def test_mutant_is_found_and_located(
    network: Callable[[str], Path], tmp_path: Path, mutant: str
) -> None:
    file, right, wrong, layer = MUTANTS[mutant]
    rtl = tmp_path / "rtl"
    shutil.copytree(RTL, rtl)
    source = (rtl / file).read_text(encoding="utf-8")
    assert right in source
    (rtl / file).write_text(source.replace(right, wrong), encoding="utf-8")
    model = network("digits")
    compiled = compile_model(model, CONFIG)
    inputs = [np.load(model.with_suffix(".npz"))[name] for name in input_names(compiled)]
    assert run_with(RTL, compiled, inputs) == (True, None)
    same, culprit = run_with(rtl, compiled, inputs)
    assert not same
    assert culprit is not None
    assert culprit.layer == layer
    assert "first wrong layer" in str(culprit)
