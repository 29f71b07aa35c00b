# SPDX-License-Identifier: Apache-2.0
"""What exporters write besides int8 QDQ: QOperator models, unsigned outputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnxruntime.quantization import QuantFormat, QuantType

from accel.config import AccelConfig
from accel.driver import Driver
from accel.model.device import ModelDevice
from codegen.compile import compile_model
from sim.compare import difference, export_and_load, run_host, run_onnxruntime
from sim.onnx_macs import count_macs
from tests.e2e.small_models import mixed_net


@pytest.mark.parametrize("activations", [QuantType.QInt8, QuantType.QUInt8], ids=["s8", "u8"])
def test_qoperator_network(tmp_path: Path, activations: QuantType) -> None:
    """As far offloaded as the QDQ form, under the names of the file's nodes."""
    config, net = AccelConfig(), mixed_net()
    path = net.quantized(tmp_path / "net.onnx", activations, QuantFormat.QOperator)
    compiled = compile_model(path, config)
    where = {node.op: node.where for node in compiled.explanation.nodes}
    assert where.pop("QuantizeLinear") == where.pop("DequantizeLinear") == "host"
    assert where.pop("Flatten") == "absorbed"
    assert set(where.values()) == {"accelerator"}
    assert set(where) > {"QLinearConv", "QLinearAdd", "QGemm", "MaxPool", "QLinearAveragePool"}
    assert count_macs(compiled.imported.qdq) == compiled.explanation.offloaded_macs
    x = np.random.default_rng(5).normal(0, 1, net.shape).astype(np.float32)
    with ModelDevice(config, 1 << 22) as device:
        outputs, _ = export_and_load(compiled).run(Driver(device, config), [x])
    golden = run_host(compiled.integer, [x])
    assert difference(outputs, golden).same
    step = max(np.diff(np.unique(golden[0])).min(), 1e-6)
    assert difference(golden, run_onnxruntime(path.read_bytes(), {"x": x})).largest <= 4 * step
