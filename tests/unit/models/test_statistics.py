# SPDX-License-Identifier: Apache-2.0
"""Statistics of norms and biases are those of what runs through the network."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from models.network import Array
from models.quantize import evaluate
from models.statistics import fit_statistics

IMAGES = np.random.default_rng(0).normal(3.0, 2.0, (5, 2, 6, 6)).astype(np.float32)
NODES = [
    helper.make_node("Conv", ["x", "w1", "b1"], ["c1"], kernel_shape=[3, 3]),
    helper.make_node("Relu", ["c1"], ["r1"]),
    helper.make_node("Reshape", ["r1", "pairs"], ["split"]),
    helper.make_node("Transpose", ["split"], ["mixed"], perm=[0, 2, 1, 3, 4]),
    helper.make_node("Reshape", ["mixed", "whole"], ["shuffled"]),
    helper.make_node("Conv", ["shuffled", "w2"], ["c2"], kernel_shape=[1, 1]),
    helper.make_node("BatchNormalization", ["c2", "scale", "b2", "mean", "variance"], ["y"]),
]


def shuffling() -> onnx.ModelProto:
    """Two layers, one of each kind, with channels shuffled between them; for one image."""
    draw = np.random.default_rng(1).normal
    weights: dict[str, Array] = {
        "w1": draw(size=(4, 2, 3, 3)).astype(np.float32),
        "b1": np.linspace(-1, 1, 4, dtype=np.float32),
        "w2": draw(size=(3, 4, 1, 1)).astype(np.float32),
        "scale": np.array([0.5, 1, 2], np.float32),
        "b2": np.array([0, 1, -1], np.float32),
        "mean": np.zeros(3, np.float32),
        "variance": np.full(3, 1e3, np.float32),
        "pairs": np.array([1, 2, 2, 4, 4]),
        "whole": np.array([1, 4, 4, 4]),
    }
    graph = helper.make_graph(
        NODES,
        "shuffling",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 2, 6, 6])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1, 3, 4, 4])],
        [numpy_helper.from_array(weight, name) for name, weight in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.checker.check_model(model)
    return model


@pytest.fixture(scope="module")
def fitted() -> onnx.ModelProto:
    model = shuffling()
    fit_statistics(model, IMAGES)
    return model


def run_all(model: onnx.ModelProto, value: str) -> Array:
    """One image after the other: the model itself takes one."""
    return np.concatenate([evaluate(model, {"x": image[None]}, [value])[0] for image in IMAGES])


def of_channels(values: Array) -> tuple[Array, Array]:
    """Mean and deviation of each channel."""
    return values.mean(axis=(0, 2, 3)), values.std(axis=(0, 2, 3))


def test_a_norm_takes_half_the_mean_and_all_of_the_deviation(fitted: onnx.ModelProto) -> None:
    mean, deviation = of_channels(run_all(fitted, "c2"))
    assert np.abs(mean / deviation).min() > 0.1
    scale, bias = np.array([0.5, 1, 2]), np.array([0, 1, -1])
    got_mean, got_deviation = of_channels(run_all(fitted, "y"))
    np.testing.assert_allclose(got_mean, scale * mean / 2 / deviation + bias, atol=1e-4)
    np.testing.assert_allclose(got_deviation, scale, rtol=1e-3)


def test_a_dead_channel_is_not_blown_up() -> None:
    """Its variance, 0, becomes a hundredth of the mean variance of all channels."""
    model = shuffling()
    weights = {w.name: w for w in model.graph.initializer}
    alive = numpy_helper.to_array(weights["w2"]).copy()
    alive[1] = 0
    weights["w2"].CopyFrom(numpy_helper.from_array(alive, "w2"))
    fit_statistics(model, IMAGES)
    variance = numpy_helper.to_array(weights["variance"])
    own = run_all(model, "c2").var(axis=(0, 2, 3))
    np.testing.assert_allclose(variance, [own[0], own.mean() / 100, own[2]], rtol=1e-4)


def test_a_bias_takes_half_the_mean_away(fitted: onnx.ModelProto) -> None:
    (before, _), (after, _) = (of_channels(run_all(m, "c1")) for m in (shuffling(), fitted))
    bias = np.linspace(-1, 1, 4)
    assert np.abs(before - bias).max() > 2
    np.testing.assert_allclose(after - bias, (before - bias) / 2, atol=1e-4)


def test_nothing_but_statistics_and_biases_changes(fitted: onnx.ModelProto) -> None:
    before, after = shuffling(), onnx.ModelProto()
    after.CopyFrom(fitted)
    changed = {
        old.name
        for old, new in zip(before.graph.initializer, after.graph.initializer, strict=True)
        if old != new
    }
    assert changed == {"b1", "mean", "variance"}
    del before.graph.initializer[:], after.graph.initializer[:]
    assert after == before
