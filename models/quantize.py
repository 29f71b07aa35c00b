# SPDX-License-Identifier: Apache-2.0
"""Quantize as the kit does for its users, and measure what came out under onnxruntime."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import onnx
from onnxruntime import GraphOptimizationLevel, InferenceSession, SessionOptions
from onnxruntime.capi.onnxruntime_pybind11_state import Fail

from codegen.frontend.quantize import Quantization, preprocess, quantize
from models.network import Array

__all__ = ["Quantization", "accuracy", "preprocess", "quantize", "run"]


def run(model: onnx.ModelProto, samples: Iterable[Mapping[str, Array]]) -> Array:
    """First output of each sample under onnxruntime, stacked.

    The option keeps sums of products from saturating at 16 bits on CPUs that lack VNNI; a model
    that it breaks (onnxruntime 1.32, where two products share a weight) runs node by node.
    """
    options = SessionOptions()
    options.log_severity_level = 4  # what fails is raised as well
    options.add_session_config_entry("session.x64quantprecision", "1")
    try:
        session = _session(model, options)
    except Fail:
        options = SessionOptions()
        options.log_severity_level = 4  # what fails is raised as well
        options.graph_optimization_level = GraphOptimizationLevel.ORT_DISABLE_ALL
        session = _session(model, options)
    return np.stack([session.run(None, dict(sample))[0] for sample in samples])


def _session(model: onnx.ModelProto, options: SessionOptions) -> InferenceSession:
    providers = ["CPUExecutionProvider"]
    return InferenceSession(model.SerializeToString(), options, providers=providers)


def accuracy(model: onnx.ModelProto, name: str, images: Array, labels: Array) -> float:
    """Share of `images`, each given as input `name` in a batch of 1, classified as labelled."""
    scores = run(model, ({name: image[None]} for image in images))
    return float((scores[:, 0].argmax(axis=1) == labels).mean())
