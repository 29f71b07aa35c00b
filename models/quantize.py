# SPDX-License-Identifier: Apache-2.0
"""Quantize as the kit does for its users, and run what came out under onnxruntime."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import onnx
from onnx import helper

from codegen.frontend.onnx_reference import open_session
from codegen.frontend.quantize import Quantization, preprocess, quantize
from models.network import Array

__all__ = ["Quantization", "evaluate", "preprocess", "quantize", "run"]


def evaluate(
    model: onnx.ModelProto, sample: Mapping[str, Array], values: Sequence[str]
) -> list[Array]:
    """Any values of a graph for one sample, under onnxruntime."""
    opened = onnx.ModelProto()
    opened.CopyFrom(model)
    del opened.graph.output[:]
    opened.graph.output.extend(map(helper.make_empty_tensor_value_info, values))
    found: list[Array] = open_session(opened.SerializeToString()).run(list(values), dict(sample))
    return found


def run(model: onnx.ModelProto, samples: Iterable[Mapping[str, Array]]) -> Array:
    """First output of each sample under onnxruntime, stacked."""
    session = open_session(model.SerializeToString())
    return np.stack([session.run(None, dict(sample))[0] for sample in samples])
