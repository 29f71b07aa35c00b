# SPDX-License-Identifier: Apache-2.0
"""Flexible matching from ONNX to the functional model: what it brings, and that no bit is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from accel.config import AccelConfig
from accel.driver import Driver
from accel.model.device import ModelDevice
from codegen.choices import EXACT, FLEXIBLE, Choices
from codegen.compile import compile_model, main
from codegen.explanation import ACCELERATOR
from sim.build import ROOT
from sim.compare import export_and_load, run_host
from sim.onnx_macs import count_macs
from sim.run import main as run
from tests.e2e.island_models import (
    channels_last_net,
    sequence_net,
    unfolded_norm_net,
    wide_kernel_net,
)
from tests.e2e.small_models import mixed_net

CONFIG = AccelConfig()
NETS = (unfolded_norm_net, channels_last_net, sequence_net, wide_kernel_net)


@pytest.mark.parametrize("build", NETS, ids=lambda b: b.__name__)
def test_all_macs_are_offloaded_and_every_bit_is_that_of_the_host(build, tmp_path: Path) -> None:
    path = build().save(tmp_path / "net.onnx")
    exact, flexible = compile_model(path, CONFIG, Choices(match=EXACT)), compile_model(path, CONFIG)
    assert exact.coverage.macs < flexible.coverage.macs == count_macs(flexible.imported.qdq)
    assert (exact.matched, flexible.matched) == (EXACT, FLEXIBLE)
    shape = [int(size) for size in flexible.imported.module["main"].params[0].ty.shape]
    inputs = [np.random.default_rng(1).normal(0, 1, shape).astype(np.float32)]
    with ModelDevice(CONFIG, 1 << 24) as device:
        outputs, _ = export_and_load(flexible).run(Driver(device, CONFIG), inputs)
    np.testing.assert_array_equal(outputs[0], run_host(flexible.integer, inputs)[0])


def test_the_report_names_the_nodes_that_were_folded_and_moved(tmp_path: Path) -> None:
    compiled = compile_model(unfolded_norm_net().save(tmp_path / "net.onnx"), CONFIG)
    where = {node.node: node.where for node in compiled.explanation.nodes}
    products = [n for n in where if n.startswith(("conv", "batchnorm", "gemm")) and "_" not in n]
    assert len(products) == 7
    assert {where[name] for name in products} == {ACCELERATOR}


def test_uint8_activations_are_moved_as_int8(tmp_path: Path) -> None:
    net = channels_last_net()
    net.unsigned = True
    compiled = compile_model(net.save(tmp_path / "net.onnx"), CONFIG)
    signed = compile_model(channels_last_net().save(tmp_path / "signed.onnx"), CONFIG)
    assert compiled.coverage == signed.coverage
    assert compiled.coverage.regions == 1


def test_a_tidy_model_is_left_as_it_is(tmp_path: Path) -> None:
    path = mixed_net().quantized(tmp_path / "net.onnx")
    exact, flexible = compile_model(path, CONFIG, Choices(match=EXACT)), compile_model(path, CONFIG)
    assert flexible.matched == EXACT
    assert exact.coverage == flexible.coverage
    words = [[p.words for p in c.programs.values()] for c in (exact, flexible)]
    assert all((a == b).all() for a, b in zip(*words, strict=True))


def test_the_same_model_gives_the_same_module_in_any_process(tmp_path: Path) -> None:
    path = channels_last_net().save(tmp_path / "net.onnx")
    code = (
        "import sys; from pathlib import Path; from codegen.rewrite.rewrite import rewrite\n"
        "from codegen.frontend.onnx_import import import_onnx\n"
        "sys.stdout.write(rewrite(import_onnx(Path(sys.argv[1])).module).script())"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", code, str(path)],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(texts) == 1


def test_the_command_lines_take_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(unfolded_norm_net().save(tmp_path / "net.onnx"))
    for how in (EXACT, FLEXIBLE):
        assert run([path, "--backend", "model", "--match", how]) == 0
    printed = capsys.readouterr().out
    assert "0 of 119,968 MACs (0.0%)" in printed
    assert "119,968 of 119,968 MACs (100.0%)" in printed
    assert main([path, "--match", "exact", "--emit", "report"]) == 0
    assert '"offloaded_macs": 0' in capsys.readouterr().out
