# SPDX-License-Identifier: Apache-2.0
"""Small ONNX models of many ops: as through Relax, and as onnxruntime has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnxruntime.quantization import QuantType

from codegen.relay.compile import compile_relay
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


def test_moved_scales_per_channel_stay_float(tmp_path: Path) -> None:
    """MatMul has its weights [in, out], nn.dense [out, in]: on what follows, TVM crashes."""
    compiled = compile_relay(encoder_net().quantized(tmp_path / "net.onnx", TYPES["s8"]), CONFIG)
    where = {fate.op: fate.where for fate in compiled.explanation.nodes}
    assert where["MatMul"] == "host"
    assert where["Add"] == "accelerator"
