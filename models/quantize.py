# SPDX-License-Identifier: Apache-2.0
"""Quantize as the kit does for its users, and measure what came out under onnxruntime."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import onnx

from codegen.frontend.onnx_reference import open_session
from codegen.frontend.quantize import Quantization, preprocess, quantize
from models.network import Array

__all__ = ["Quantization", "accuracy", "preprocess", "quantize", "run"]


def run(model: onnx.ModelProto, samples: Iterable[Mapping[str, Array]]) -> Array:
    """First output of each sample under onnxruntime, stacked."""
    session = open_session(model.SerializeToString())
    return np.stack([session.run(None, dict(sample))[0] for sample in samples])


def accuracy(model: onnx.ModelProto, name: str, images: Array, labels: Array) -> float:
    """Share of `images`, each given as input `name` in a batch of 1, classified as labelled."""
    scores = run(model, ({name: image[None]} for image in images))
    return float((scores[:, 0].argmax(axis=1) == labels).mean())
