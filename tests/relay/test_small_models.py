# SPDX-License-Identifier: Apache-2.0
"""Small ONNX models with many ops, int8 and uint8: as through Relax, and as onnxruntime has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnxruntime.quantization import QuantType

from codegen.relay.compile import compile_relay
from codegen.relay.expressions import op_name, post_order
from codegen.relay.load import load
from tests.e2e.small_models import encoder_net, gated_net, mixed_net
from tests.relay.running import CONFIG, run
from tests.relay.test_networks import through_relax

TYPES = {"s8": QuantType.QInt8, "u8": QuantType.QUInt8}


@pytest.mark.parametrize("kind", TYPES)
def test_programs_are_those_of_relax(tmp_path: Path, kind: str) -> None:
    path = mixed_net().quantized(tmp_path / "net.onnx", TYPES[kind])
    (program,) = compile_relay(path, CONFIG).programs.values()
    relax = through_relax(path, tmp_path)
    assert np.array_equal(program.words, relax.words)
    assert np.array_equal(program.constants, relax.constants)


def test_what_relay_would_round_in_the_middle_stays_float(tmp_path: Path) -> None:
    """HardSwish, HardSigmoid and LeakyRelu on the host; results as onnxruntime's own kernels."""
    net = gated_net()
    path = net.quantized(tmp_path / "net.onnx", TYPES["u8"])
    ran = run(path, seed=5)
    assert [np.array_equal(a, b) for a, b in zip(ran.device, ran.golden, strict=True)] == [True]
    assert {"conv2d", "mul", "add"} <= set(ran.layers)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(path.read_bytes(), options)
    (expected,) = session.run(None, {"x": ran.inputs[0]})
    step = np.diff(np.unique(expected)).min()
    assert np.abs(ran.golden[0] - expected).max() <= 2 * step


def test_scales_per_channel_follow_reshapes(tmp_path: Path) -> None:
    """Matrix products of [N, M, C] are reshaped to [N * M, C] and back, where TVM crashed."""
    path = encoder_net().quantized(tmp_path / "net.onnx", TYPES["s8"])
    compiled = compile_relay(path, CONFIG)
    before = [op_name(expr) for expr in post_order(load(path).module["main"].body)]
    after = [op_name(expr) for expr in post_order(compiled.qnn["main"].body)]
    assert before.count("nn.dense") > after.count("nn.dense")
    assert after.count("qnn.dense") > 0
