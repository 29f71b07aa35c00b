# SPDX-License-Identifier: Apache-2.0
"""What every network promises, on builds that take a second or two in all."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest

from models import digits, mlperf_tiny, ppocr_cls
from models.macs import count_macs
from models.network import Array, Network, silent
from models.quantize import run
from models.train import Recipe

BUILDERS: dict[str, Callable[[], Network]] = {
    "digits": lambda: digits.build(silent, Recipe(epochs=1)),
    "resnet8": mlperf_tiny.build_resnet8,
    "autoencoder": mlperf_tiny.build_autoencoder,
    "ppocr_cls": ppocr_cls.build,
}


@pytest.fixture(scope="module", params=BUILDERS)
def network(request: pytest.FixtureRequest) -> Network:
    return BUILDERS[request.param]()


def test_opset_is_one_that_every_tool_reads(network: Network) -> None:
    for model in (network.model, network.float_model):
        assert {(o.domain, o.version <= 21) for o in model.opset_import} == {("", True)}


def test_shapes_are_static_and_batch_is_1(network: Network) -> None:
    for value in (*network.model.graph.input, *network.model.graph.output):
        sizes = [d.dim_value for d in value.type.tensor_type.shape.dim]
        assert sizes[0] == 1
        assert all(size > 0 for size in sizes)


def test_sample_fits_the_inputs(network: Network) -> None:
    (entry,) = network.model.graph.input
    sample = network.sample[entry.name]
    assert sample.shape == tuple(d.dim_value for d in entry.type.tensor_type.shape.dim)
    assert sample.dtype == np.float32
    assert set(network.sample) <= {entry.name, "labels"}


def test_activations_are_int8_with_zero_points(network: Network) -> None:
    constants = initializers(network.model)
    zeros = [constants[n.input[2]] for n in nodes(network.model, "QuantizeLinear")]
    assert {(zero.dtype, zero.ndim) for zero in zeros} == {(np.dtype(np.int8), 0)}
    assert any(zero != 0 for zero in zeros)


def test_weights_are_int8_per_output_channel_with_zero_point_0(network: Network) -> None:
    constants = initializers(network.model)
    dequantized = {n.output[0]: n for n in nodes(network.model, "DequantizeLinear")}
    layers = [*nodes(network.model, "Conv"), *nodes(network.model, "Gemm")]
    assert layers
    for layer in layers:
        source = dequantized[layer.input[1]]
        weight, zero = constants[source.input[0]], constants[source.input[2]]
        outputs_first = layer.op_type == "Conv" or any(
            a.name == "transB" and a.i for a in layer.attribute
        )
        assert weight.dtype == np.int8
        assert zero.shape == (weight.shape[0 if outputs_first else 1],)
        assert not zero.any()


def initializers(model: onnx.ModelProto) -> dict[str, Array]:
    return {w.name: onnx.numpy_helper.to_array(w) for w in model.graph.initializer}


def nodes(model: onnx.ModelProto, kind: str) -> list[onnx.NodeProto]:
    return [node for node in model.graph.node if node.op_type == kind]


def test_int8_follows_float(network: Network) -> None:
    name = network.model.graph.input[0].name
    sample = [{name: network.sample[name]}]
    expected, actual = run(network.float_model, sample), run(network.model, sample)
    assert np.abs(actual - expected).max() < 0.1 * max(1.0, np.abs(expected).max())


def test_macs_are_those_of_the_benchmark() -> None:
    assert count_macs(mlperf_tiny.resnet8()) == 12_501_632
    assert count_macs(mlperf_tiny.autoencoder()) == 264_192


def test_digits_exports_what_it_trained() -> None:
    net = digits.DigitsNet(np.random.default_rng(0))
    _, (images, _) = digits.split()
    expected = net.chain.forward(images[:5])
    actual = run(net.to_onnx(), [{digits.INPUT: image[None]} for image in images[:5]])[:, 0]
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4)


def test_digits_split_is_fixed_and_disjoint() -> None:
    (train, _), (test, _) = digits.split()
    assert (len(train), len(test)) == (1078, 719)
    again = digits.split()[0][0]
    np.testing.assert_array_equal(train, again)


def test_seeded_builds_are_byte_identical() -> None:
    first, second = (mlperf_tiny.build_resnet8() for _ in range(2))
    assert first.model.SerializeToString(deterministic=True) == second.model.SerializeToString(
        deterministic=True
    )


def test_ppocr_reads_text_it_has_never_seen() -> None:
    figures = ppocr_cls.build().figures
    assert figures["float_accuracy"] > 0.8
    assert figures["int8_accuracy"] > 0.8
