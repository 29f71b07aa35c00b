# SPDX-License-Identifier: Apache-2.0
"""Training in pure NumPy: cross entropy, Adam, a cosine schedule, random shifts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from models.layers import Layer, Parameter
from models.network import FloatArray

Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train."""

    epochs: int
    batch: int = 64
    rate: float = 2e-3
    """Step size at the start; falls to zero along a half cosine."""
    decay: float = 1e-4
    """Share of every weight that a step of size 1 takes away."""
    seed: int = 0
    """Of the order of the samples and their variations."""


class Adam:
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019)."""

    def __init__(self, parameters: Sequence[Parameter], decay: float) -> None:
        self._parameters = parameters
        self._decay = decay
        self._mean = [np.zeros_like(p.value) for p in parameters]
        self._square = [np.zeros_like(p.value) for p in parameters]
        self._steps = 0

    def step(self, rate: float) -> None:
        """Move every parameter against its gradient."""
        self._steps += 1
        mean_bias = 1 - 0.9**self._steps
        square_bias = 1 - 0.999**self._steps
        for p, mean, square in zip(self._parameters, self._mean, self._square, strict=True):
            mean[...] = 0.9 * mean + 0.1 * p.gradient
            square[...] = 0.999 * square + 0.001 * p.gradient**2
            move = mean / mean_bias / (np.sqrt(square / square_bias) + 1e-8)
            p.value -= (rate * (move + self._decay * p.value)).astype(np.float32)


def fit(
    network: Layer,
    images: FloatArray,
    labels: Labels,
    recipe: Recipe,
    *,
    augment: Callable[[np.random.Generator, FloatArray], FloatArray] | None = None,
    report: Callable[[int, float], None] | None = None,
) -> None:
    """Train `network` in place on the mean cross entropy, on one core.

    The matrices are small: a second thread of the BLAS gains nothing, costs much when the machine
    is busy, and changes the order of sums.

    Args:
        network: maps images to logits [N, classes].
        images: [N, C, H, W].
        labels: [N], the class of each image.
        recipe: epochs, steps, order.
        augment: varies the images of a batch at random.
        report: called after each epoch with its number from 1 and mean loss.
    """
    rng = np.random.default_rng(recipe.seed)
    optimizer = Adam(network.parameters(), recipe.decay)
    with threadpool_limits(limits=1, user_api="blas"):
        for epoch in range(recipe.epochs):
            rate = recipe.rate * 0.5 * (1 + np.cos(np.pi * epoch / recipe.epochs))
            order = rng.permutation(len(images))
            total = 0.0
            for start in range(0, len(order), recipe.batch):
                batch = order[start : start + recipe.batch]
                x = augment(rng, images[batch]) if augment else images[batch]
                loss, gradient = cross_entropy(network.forward(x), labels[batch])
                network.backward(gradient)
                optimizer.step(float(rate))
                total += loss * len(batch)
            if report:
                report(epoch + 1, total / len(order))


def cross_entropy(logits: FloatArray, labels: Labels) -> tuple[float, FloatArray]:
    """Mean cross entropy of the softmax of `logits` [N, classes], and its gradient."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(len(labels))
    loss = float((log_sum[:, 0] - shifted[rows, labels]).mean())
    gradient = np.exp(shifted - log_sum)
    gradient[rows, labels] -= 1
    return loss, gradient / np.float32(len(labels))


def shift_half(rng: np.random.Generator, images: FloatArray) -> FloatArray:
    """Move about half the images by up to one pixel in each direction; what enters is zero."""
    count, _, height, width = images.shape
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    down, right = np.where(rng.random(count) < 0.5, 1, rng.integers(0, 3, (2, count)))
    rows = down[:, None, None] + np.arange(height)[:, None]
    columns = right[:, None, None] + np.arange(width)
    moved = padded[np.arange(count)[:, None, None], :, rows, columns]
    return np.moveaxis(moved, -1, 1)
