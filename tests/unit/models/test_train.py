# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np

from models.layers import Chain, Conv, Dense, GlobalAveragePool, Relu
from models.network import FloatArray
from models.train import Labels, Recipe, fit, shift_half


def stripes(count: int) -> tuple[FloatArray, Labels]:
    """Noisy images of horizontal (0) or vertical (1) stripes."""
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 2, count)
    pattern = np.tile([[0.0], [1.0]], (4, 8))
    images = np.stack([pattern.T if label else pattern for label in labels])
    return (images + rng.normal(0, 0.3, images.shape)).astype(np.float32)[:, None], labels


def trained() -> tuple[Chain, list[float]]:
    rng = np.random.default_rng(0)
    net = Chain(Conv(rng, 1, 4), Relu(), GlobalAveragePool(), Dense(rng, 4, 2))
    losses: list[float] = []
    images, labels = stripes(128)
    recipe = Recipe(epochs=6, batch=32, rate=2e-2)
    fit(net, images, labels, recipe, report=lambda epoch, loss: losses.append(loss))
    return net, losses


def test_training_learns() -> None:
    net, losses = trained()
    images, labels = stripes(128)
    assert len(losses) == 6
    assert losses[-1] < losses[0]
    assert (net.forward(images).argmax(axis=1) == labels).mean() > 0.95


def test_training_twice_gives_the_same_bits() -> None:
    first, second = trained()[0].parameters(), trained()[0].parameters()
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a.value, b.value)


def test_shift_moves_half_the_images_by_at_most_one_pixel() -> None:
    images = np.zeros((400, 2, 6, 6), np.float32)
    images[:, 0, 2, 3] = 1
    images[:, 1, 3, 3] = 2
    shifted = shift_half(np.random.default_rng(0), images)
    assert shifted.shape == images.shape
    assert shifted.dtype == images.dtype
    number, _, down, right = np.nonzero(shifted == 1)
    assert list(number) == list(range(400))
    assert set(down) == {1, 2, 3}
    assert set(right) == {2, 3, 4}
    np.testing.assert_array_equal(shifted[:, 1, 1:], 2 * shifted[:, 0, :-1])
    unmoved = (shifted == images).all(axis=(1, 2, 3)).mean()
    assert 0.4 < unmoved < 0.7
