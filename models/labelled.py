# SPDX-License-Identifier: Apache-2.0
"""From a trained float model to a network that is judged on samples with labels."""

from __future__ import annotations

from collections.abc import Iterable

import onnx

from models.network import Array, Network, Progress
from models.quantize import Quantization, quantize, run
from sim.scoring import decide, share


def accuracy(model: onnx.ModelProto, samples: Array, labels: Array) -> float:
    """How much of what is labelled the first output gets right, sample by sample, 0 to 1."""
    (entry,) = model.graph.input
    answers = run(model, ({entry.name: sample[None]} for sample in samples))
    return share(map(decide, answers, labels), labels)


def labelled_network(
    float_model: onnx.ModelProto,
    calibration: Iterable[Array],
    test: tuple[Array, Array],
    progress: Progress,
    *,
    how: Quantization | None = None,
    unit: str = "images",
) -> Network:
    """Quantize, judge before and after; the test set goes to `NAME_test.npz`.

    Args:
        float_model: preprocessed, with one input.
        calibration: samples, without the batch axis.
        test: samples [N, ...] and their labels.
        progress: told of the progress.
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
        "float_accuracy": accuracy(float_model, samples, labels),
        "int8_accuracy": accuracy(model, samples, labels),
        f"test_{unit}": len(labels),
    }
    return Network(
        float_model=float_model,
        model=model,
        sample={entry.name: samples[:1], "labels": labels[:1]},
        data={"test": {entry.name: samples, "labels": labels}},
        figures=figures,
    )
