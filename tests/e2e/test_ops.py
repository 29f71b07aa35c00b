# SPDX-License-Identifier: Apache-2.0
"""Each kind of op from ONNX to commands: in one region, equal to the host in every element."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx.reference import ReferenceEvaluator

from accel.config import load_config
from accel.driver import Driver
from codegen.compile import compile_model
from sim.backends.open_device import open_device
from sim.compare import difference, export_and_load, run_host
from sim.memory import parse_memory
from tests.e2e.op_nets import growing_net, joined_net, patches_net, reshaping_net, sound_net
from tests.e2e.small_models import Net

BORDER = {"QuantizeLinear", "DequantizeLinear"}


@pytest.mark.parametrize(
    ("make", "backend"),
    [
        (sound_net, "verilator"),
        (reshaping_net, "model"),
        (growing_net, "verilator"),
        (joined_net, "verilator"),
        (patches_net, "model"),
    ],
)
def test_ops_run_on_the_accelerator(tmp_path: Path, make: Callable[[], Net], backend: str) -> None:
    config, net = load_config("default"), make()
    compiled = compile_model(net.quantized(tmp_path / "net.onnx"), config)
    left = {
        f"{node.node}: {node.why}"
        for node in compiled.explanation.nodes
        if node.where == "host" and node.op not in BORDER
    }
    assert not left
    assert len(compiled.programs) == 1
    inputs = [np.random.default_rng(5).normal(0, 1, net.shape).astype(np.float32)]
    golden = run_host(compiled.integer, inputs)
    memory = parse_memory("random,seed=11")
    with open_device(backend, config, memory_model=memory, checks=True) as device:
        outputs, _ = export_and_load(compiled).run(Driver(device, config), inputs)
    assert difference(outputs, golden).same
    step = max(np.diff(np.unique(golden[0])).min(), 1e-6)
    # ONNX's own evaluator: onnxruntime's fast int8 kernels saturate in between on some hosts.
    reference = ReferenceEvaluator(str(tmp_path / "net.onnx")).run(None, {"x": inputs[0]})
    assert difference(golden, reference).largest <= 4 * step
