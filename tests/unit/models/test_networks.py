# SPDX-License-Identifier: Apache-2.0
"""What every network promises, on builds that take a second or two in all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cache

import numpy as np
import onnx
import pytest

from models import digits, gemm, mlperf_tiny, ppocr_cls, resnet, seeded
from models.macs import count_macs
from models.network import Array, BuildError, Network, silent
from models.quantize import run
from models.train import Recipe

BUILDERS: dict[str, Callable[[], Network]] = {
    "digits": lambda: digits.build(silent, Recipe(epochs=1)),
    "resnet8": mlperf_tiny.build_resnet8,
    "ds_cnn": mlperf_tiny.build_ds_cnn,
    "mobilenet": mlperf_tiny.build_mobilenet,
    "autoencoder": mlperf_tiny.build_autoencoder,
    "ppocr_cls": ppocr_cls.build,
}


@cache
def built(name: str) -> Network:
    return BUILDERS[name]()


@pytest.fixture(params=BUILDERS)
def network(request: pytest.FixtureRequest) -> Network:
    return built(request.param)


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


@pytest.mark.parametrize(
    ("model", "layers", "macs"),
    [
        (mlperf_tiny.resnet8, 10, 12_501_632),
        (mlperf_tiny.ds_cnn, 10, 2_656_768),
        (mlperf_tiny.mobilenet, 28, 7_489_664),
        (mlperf_tiny.autoencoder, 10, 264_192),
        (resnet.resnet18_convs, 19, 1_695_547_392),
        (resnet.resnet50, 54, 4_089_184_256),
    ],
)
def test_layers_and_macs_are_those_of_the_benchmark(
    model: Callable[[], onnx.ModelProto], layers: int, macs: int
) -> None:
    built = model()
    assert len(nodes(built, "Conv")) + len(nodes(built, "Gemm")) == layers
    assert count_macs(built) == macs


def test_a_network_with_other_macs_is_refused() -> None:
    samples = seeded.images((3, 32, 32))
    with pytest.raises(BuildError, match="resnet8 has 12,501,632 MACs, the benchmark 12,501,633"):
        seeded.seeded_network(mlperf_tiny.resnet8(), 12_501_633, samples, 1, silent)


def test_resnet18_convs_are_the_layers_of_vta() -> None:
    """Input and output channels, kernel and stride of C2 to C11, each as often as in the net."""
    model = resnet.resnet18_convs()
    weights = initializers(model)
    found = Counter()
    for node in nodes(model, "Conv"):
        outputs, inputs, kernel, _ = weights[node.input[1]].shape
        strides = next(a.ints for a in node.attribute if a.name == "strides")
        found[inputs, outputs, kernel, strides[0]] += 1
    expected = {(64, 64, 3, 1): 4}
    for width in (64, 128, 256):
        expected[width, 2 * width, 3, 2] = 1
        expected[width, 2 * width, 1, 2] = 1
        expected[2 * width, 2 * width, 3, 1] = 3
    assert found == expected


@pytest.mark.slow
def test_quantized_resnet50_neither_saturates_nor_vanishes() -> None:
    network = resnet.build_resnet50()
    samples = [network.sample, {seeded.INPUT: -network.sample[seeded.INPUT]}]
    expected, actual = run(network.float_model, samples), run(network.model, samples)
    assert np.corrcoef(actual.ravel(), expected.ravel())[0, 1] > 0.99
    assert np.count_nonzero(actual[0] != actual[1]) > 500
    assert len(np.unique(actual)) > 100


def test_gemm_computes_the_shape_it_is_named_after() -> None:
    network = gemm.build((50, 32, 16), silent)
    assert gemm.name((50, 32, 16)) == network.float_model.graph.name == "gemm_50x32x16"
    (output,) = run(network.model, [network.sample])
    assert output.shape == (50, 16)
    assert len(np.unique(output)) > 100


def test_gemm_shapes_cover_the_sweep() -> None:
    assert len(set(gemm.SHAPES)) == len(gemm.SHAPES)
    assert {min(min(s) for s in gemm.SHAPES), max(max(s) for s in gemm.SHAPES)} == {16, 1024}
    assert (512, 512, 512) in gemm.SHAPES
    assert any(size % 16 for shape in gemm.SHAPES for size in shape)


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
    figures = built("ppocr_cls").figures
    assert figures["float_accuracy"] > 0.8
    assert figures["int8_accuracy"] > 0.8
