# SPDX-License-Identifier: Apache-2.0
"""Small models with everything in them, and random graphs, on RTL with assertions and stalls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from onnxruntime.quantization import QuantType

from accel.config import AccelConfig, load_config
from accel.device import Device
from accel.driver import Driver
from codegen.compile import compile_model
from codegen.fits import reason
from codegen.pipeline import lower
from sim.backends.open_device import open_device
from sim.compare import difference, export_and_load, run_host, run_onnxruntime
from sim.memory import parse_memory
from tests.e2e.small_models import Net, encoder_net, gated_net, mixed_net
from tests.unit.codegen.graphs import Builder, builders
from tests.unit.codegen.running import expected

STALLING = parse_memory("random,seed=11")


MIXED_OPS = {"Conv", "Add", "MaxPool", "AveragePool", "GlobalAveragePool", "Gemm"}
GATED_OPS = {"Conv", "HardSwish", "HardSigmoid", "Mul", "Sub", "Sigmoid", "LeakyRelu", "Tanh"}

ENCODER_OPS = {"MatMul", "Add", "Gelu"}


@pytest.mark.parametrize("activations", [QuantType.QInt8, QuantType.QUInt8], ids=["s8", "u8"])
@pytest.mark.parametrize(
    ("make", "ops", "config_name"),
    [
        (mixed_net, MIXED_OPS, "default"),
        (mixed_net, MIXED_OPS, "tiny"),
        (gated_net, GATED_OPS, "default"),
        (gated_net, GATED_OPS, "small"),
        (encoder_net, ENCODER_OPS, "default"),
    ],
)
def test_network_of_many_ops(
    tmp_path: Path,
    activations: QuantType,
    make: Callable[[], Net],
    ops: set[str],
    config_name: str,
) -> None:
    config = load_config(config_name)
    net = make()
    compiled = compile_model(net.quantized(tmp_path / "net.onnx", activations), config)
    inputs = [np.random.default_rng(5).normal(0, 1, net.shape).astype(np.float32)]
    artifact = export_and_load(compiled)
    golden = run_host(compiled.integer, inputs)
    for backend in ("model", "verilator"):
        with open_device(backend, config, memory_model=STALLING, checks=True) as device:
            outputs, _ = artifact.run(Driver(device, config), inputs)
        assert difference(outputs, golden).same
    offloaded = {node.op for node in compiled.explanation.nodes if node.where == "accelerator"}
    assert offloaded >= ops
    # The float form may round an element of a layer to the neighbouring step; layers pass it on.
    step = max(np.diff(np.unique(np.concatenate([o.reshape(-1) for o in golden]))).min(), 1e-6)
    assert difference(golden, run_host(compiled.imported.module, inputs)).largest <= 4 * step
    onnx_outputs = run_onnxruntime((tmp_path / "net.onnx").read_bytes(), {"x": inputs[0]})
    assert difference(golden, onnx_outputs).largest <= 4 * step


@pytest.fixture(scope="module", params=["default", "tiny", "small", "tall"])
def stalling(request: pytest.FixtureRequest) -> Iterator[tuple[AccelConfig, Device]]:
    """RTL with assertions, behind a memory that stalls at random."""
    config = load_config(request.param)
    with open_device(
        "verilator", config, memory_model=STALLING, memory_bytes=1 << 22, checks=True
    ) as device:
        yield config, device


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(builder=builders())
def test_random_graphs_on_rtl(stalling: tuple[AccelConfig, Device], builder: Builder) -> None:
    """Odd sizes, channels that fill no lane block, strides, asymmetric padding, zero points."""
    config, device = stalling
    graph, data = builder.graph(), builder.data()
    assume(not any(reason(op, graph.tensors, config) for op in graph.ops))
    want = expected(graph, data)
    hosts = [
        np.ascontiguousarray(
            data[port.tensor]
            .reshape([port.host_shape[axis] for axis in port.axes])
            .transpose(np.argsort(port.axes))
        )
        for port in graph.inputs
    ]
    got = Driver(device, config).run(lower(graph, config), hosts).outputs
    for port, result in zip(graph.outputs, got, strict=True):
        assert np.array_equal(result, want[port.tensor])
