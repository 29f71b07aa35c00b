# SPDX-License-Identifier: Apache-2.0
"""Gradients against finite differences, in the direction of every input and parameter."""

from __future__ import annotations

import numpy as np
import pytest

from models.layers import (
    Chain,
    Conv,
    Dense,
    GlobalAveragePool,
    Layer,
    MaxPool,
    Relu,
    Residual,
)
from models.network import FloatArray
from models.train import cross_entropy

RNG = np.random.default_rng(0)
STEP = 1e-2
LAYERS = {
    "conv": (Conv(RNG, 2, 3), (2, 2, 4, 6)),
    "conv-stride-2": (Conv(RNG, 2, 3, stride=2), (2, 2, 6, 4)),
    "conv-1x1": (Conv(RNG, 2, 3, kernel=1), (2, 2, 3, 3)),
    "dense": (Dense(RNG, 5, 3), (2, 5)),
    "relu": (Relu(), (3, 4)),
    "max-pool": (MaxPool(), (2, 3, 4, 6)),
    "mean": (GlobalAveragePool(), (2, 3, 4, 5)),
    "residual": (Residual(Conv(RNG, 2, 2)), (2, 2, 4, 4)),
    "chain": (Chain(Conv(RNG, 1, 2), GlobalAveragePool(), Dense(RNG, 2, 3)), (2, 1, 4, 4)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_equal_finite_differences(name: str) -> None:
    layer, shape = LAYERS[name]
    rng = np.random.default_rng(1)
    # Multiples of a tenth, shuffled: no ties in max pools, no step across the corner of a ReLU.
    values = (np.arange(np.prod(shape)) - np.prod(shape) // 2 + 0.5) / 10
    x = rng.permutation(values).reshape(shape).astype(np.float32)
    weights = rng.normal(size=layer.forward(x).shape).astype(np.float32)

    layer.forward(x)
    dx = layer.backward(weights)

    assert_gradient(layer, x, weights, x, dx)
    for parameter in layer.parameters():
        assert_gradient(layer, x, weights, parameter.value, parameter.gradient)


def assert_gradient(
    layer: Layer, x: FloatArray, weights: FloatArray, varied: FloatArray, gradient: FloatArray
) -> None:
    """`gradient` is that of sum(weights * layer(x)) for every element of `varied`."""
    for index in np.ndindex(varied.shape):
        before = varied[index]
        varied[index] = before + STEP
        above = float((weights * layer.forward(x)).sum(dtype=np.float64))
        varied[index] = before - STEP
        below = float((weights * layer.forward(x)).sum(dtype=np.float64))
        varied[index] = before
        assert gradient[index] == pytest.approx((above - below) / (2 * STEP), abs=2e-3)


def test_cross_entropy_of_a_certain_and_of_a_blind_answer() -> None:
    labels = np.array([1])
    sure, _ = cross_entropy(np.array([[0.0, 100.0]], np.float32), labels)
    blind, gradient = cross_entropy(np.zeros((1, 4), np.float32), labels)
    assert sure == pytest.approx(0.0)
    assert blind == pytest.approx(np.log(4))
    assert gradient == pytest.approx(np.array([[0.25, -0.75, 0.25, 0.25]]))
