# SPDX-License-Identifier: Apache-2.0
"""One wrapper around onnxruntime.quantization: float ONNX in, int8 QDQ ONNX out.

Models go through files: given a model in memory, onnxruntime moves its weights out of it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import onnx
from onnxruntime import InferenceSession, SessionOptions
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from models.network import Array


def preprocess(model: onnx.ModelProto) -> onnx.ModelProto:
    """Fold constants and batch norms, infer shapes: what `quantize` wants as input."""
    with tempfile.TemporaryDirectory() as folder:
        raw, out = Path(folder) / "raw.onnx", Path(folder) / "preprocessed.onnx"
        onnx.save(model, raw)
        quant_pre_process(str(raw), str(out), skip_symbolic_shape=True)
        return _only_onnx(onnx.load(out))


def quantize(model: onnx.ModelProto, samples: Iterable[Mapping[str, Array]]) -> onnx.ModelProto:
    """Quantize a preprocessed model, calibrated on the extremes that `samples` reach.

    Weights are int8 per output channel with zero point 0, activations int8 with any zero point.
    """
    with tempfile.TemporaryDirectory() as folder:
        raw, out = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        onnx.save(model, raw)
        quantize_static(
            str(raw),
            str(out),
            _Samples(samples),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
        )
        quantized = _only_onnx(onnx.load(out))
    onnx.checker.check_model(quantized)
    return quantized


def run(model: onnx.ModelProto, samples: Iterable[Mapping[str, Array]]) -> Array:
    """First output of each sample under onnxruntime, stacked."""
    options = SessionOptions()
    options.log_severity_level = 3
    session = InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return np.stack([session.run(None, dict(sample))[0] for sample in samples])


def accuracy(model: onnx.ModelProto, name: str, images: Array, labels: Array) -> float:
    """Share of `images`, each given as input `name` in a batch of 1, classified as labelled."""
    scores = run(model, ({name: image[None]} for image in images))
    return float((scores[:, 0].argmax(axis=1) == labels).mean())


def _only_onnx(model: onnx.ModelProto) -> onnx.ModelProto:
    """Drop the operator sets that onnxruntime declares for its own use."""
    opsets = [opset for opset in model.opset_import if opset.domain in ("", "ai.onnx")]
    del model.opset_import[:]
    model.opset_import.extend(opsets)
    return model


class _Samples(CalibrationDataReader):
    """An iterable of input dictionaries as onnxruntime wants it."""

    def __init__(self, samples: Iterable[Mapping[str, Array]]) -> None:
        self._samples = iter(samples)

    def get_next(self) -> dict[str, Array] | None:
        """The next sample, None after the last."""
        sample = next(self._samples, None)
        return None if sample is None else dict(sample)
