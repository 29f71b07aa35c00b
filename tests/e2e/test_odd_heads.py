# SPDX-License-Identifier: Apache-2.0
"""Attention with heads that fit no channel block, as PP-OCR's reader has: products on the host."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from accel.config import load_config
from accel.driver import Driver
from accel.model.device import ModelDevice
from codegen.compile import compile_model
from codegen.explanation import HOST
from sim.compare import difference, export_and_load, run_host
from sim.session import memory_bytes
from tests.e2e.small_models import Net

LENGTH, HEADS, INNER = 20, 4, 15


def odd_net() -> Net:
    width = HEADS * INNER
    net = Net((1, LENGTH, width))

    def split(perm: list[int]) -> str:
        rows = net.node("MatMul", "x", net.weights(width, width))
        shape = net.constant(np.array([1, LENGTH, HEADS, INNER]))
        return net.node("Transpose", net.node("Reshape", rows, shape), perm=perm)

    product = net.node("MatMul", split([0, 2, 1, 3]), split([0, 2, 3, 1]))
    mixed = net.node("MatMul", net.node("Softmax", product, axis=-1), split([0, 2, 1, 3]))
    merged = net.node("Transpose", mixed, perm=[0, 2, 1, 3])
    rows = net.node("Reshape", merged, net.constant(np.array([1, LENGTH, width])))
    net.node("MatMul", rows, net.weights(width, width))
    return net


def test_heads_that_the_host_computes_are_merged_exactly(tmp_path: Path) -> None:
    config = load_config("default")
    compiled = compile_model(odd_net().quantized(tmp_path / "odd.onnx"), config)
    refused = [f for f in compiled.explanation.nodes if f.where == HOST and f.op == "MatMul"]
    assert len(refused) == 2
    assert all(str(INNER) in f.why or str(LENGTH) in f.why for f in refused)
    inputs = [np.random.default_rng(0).normal(0, 1, (1, LENGTH, HEADS * INNER)).astype(np.float32)]
    with ModelDevice(config, memory_bytes(list(compiled.programs.values()))) as device:
        outputs, _ = export_and_load(compiled).run(Driver(device, config), inputs)
    assert difference(outputs, run_host(compiled.integer, inputs)).same
