# SPDX-License-Identifier: Apache-2.0
"""From a trained float model to a network that is judged on samples with labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

import onnx

from models.network import Array, Network, Progress
from models.quantize import Quantization, quantize, run

Score: TypeAlias = Callable[[onnx.ModelProto, Array, Array], float]
"""How well a model does, 0 to 1, on samples [N, ...] with their labels."""


def answers(model: onnx.ModelProto, samples: Iterable[Array]) -> Array:
    """First output for each sample, given alone to the only input, stacked."""
    (entry,) = model.graph.input
    return run(model, ({entry.name: sample[None]} for sample in samples))[:, 0]


def accuracy(model: onnx.ModelProto, samples: Array, labels: Array) -> float:
    """Share of the samples that are classified as labelled."""
    return float((answers(model, samples).argmax(axis=1) == labels).mean())


def labelled_network(
    float_model: onnx.ModelProto,
    calibration: Iterable[Array],
    test: tuple[Array, Array],
    progress: Progress,
    *,
    score: Score = accuracy,
    how: Quantization | None = None,
    unit: str = "images",
) -> Network:
    """Quantize, judge before and after; the test set goes to `NAME_test.npz`.

    Args:
        float_model: preprocessed, with one input.
        calibration: samples, without the batch axis.
        test: samples [N, ...] and their labels.
        progress: told of the progress.
        score: judges a model on the test set.
        how: to quantize.
        unit: what a sample is, for the figures.
    """
    (entry,) = float_model.graph.input
    samples, labels = test
    progress("quantizing", 0.2)
    feeds = ({entry.name: sample[None]} for sample in calibration)
    model = quantize(float_model, feeds, how or Quantization())
    progress("judging", 0.7)
    figures = {
        "float_accuracy": score(float_model, samples, labels),
        "int8_accuracy": score(model, samples, labels),
        f"test_{unit}": len(labels),
    }
    return Network(
        float_model=float_model,
        model=model,
        sample={entry.name: samples[:1], "labels": labels[:1]},
        data={"test": {entry.name: samples, "labels": labels}},
        figures=figures,
    )
