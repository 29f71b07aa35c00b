# SPDX-License-Identifier: Apache-2.0
"""One wrapper around onnxruntime.quantization: float ONNX in, int8 QDQ ONNX out.

Models go through files: given a model in memory, onnxruntime moves its weights out of it.
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from codegen.frontend.pointwise_chains import pointwise_chains
from codegen.frontend.prepare import prepare

Sample = Mapping[str, npt.NDArray[Any]]
"""An array for each input of a model."""
METHODS = {
    "minmax": CalibrationMethod.MinMax,
    "entropy": CalibrationMethod.Entropy,
    "percentile": CalibrationMethod.Percentile,
}
ACTIVATIONS = {"int8": QuantType.QInt8, "uint8": QuantType.QUInt8}
PER_CHANNEL_OPSET = 13
"""Before it, Q/DQ has no axis."""


@dataclass(frozen=True, slots=True)
class Quantization:
    """How to quantize; weights are int8 with zero point 0."""

    method: str = "minmax"
    """How samples give the range of an activation: minmax, entropy or percentile (99.999)."""
    activations: str = "int8"
    """int8 or uint8."""
    per_channel: bool = True
    """A scale per output channel of the weights."""
    symmetric: bool = False
    """Activations have the zero point in the middle."""
    keep_float: tuple[str, ...] = ()
    """Names of nodes that stay float, beside those that `pointwise_chains` finds."""


DEFAULT = Quantization()


def preprocess(model: onnx.ModelProto) -> onnx.ModelProto:
    """Fold constants and batch norms, infer shapes, `prepare`: what `quantize` wants as input."""
    with _files(model) as (raw, out):
        quant_pre_process(str(raw), str(out), skip_symbolic_shape=True)
        return prepare(_only_onnx(onnx.load(out)))


def quantize(
    model: onnx.ModelProto, samples: Iterable[Sample], how: Quantization = DEFAULT
) -> onnx.ModelProto:
    """Quantize a preprocessed model, calibrated on what `samples` reach.

    Chains of element-wise nodes stay float between quantized tensors: a table each.
    """
    with _files(model) as (raw, out):
        quantize_static(
            str(raw),
            str(out),
            _Samples(samples),
            quant_format=QuantFormat.QDQ,
            per_channel=how.per_channel,
            activation_type=ACTIVATIONS[how.activations],
            weight_type=QuantType.QInt8,
            nodes_to_exclude=[*pointwise_chains(model), *how.keep_float],
            calibrate_method=METHODS[how.method],
            extra_options={"ActivationSymmetric": how.symmetric},
        )
        quantized = _only_onnx(onnx.load(out))
    onnx.checker.check_model(quantized)
    return quantized


@contextlib.contextmanager
def _files(model: onnx.ModelProto) -> Iterator[tuple[Path, Path]]:
    """A file with the model and one for the result; meanwhile onnxruntime gives no advice."""
    logging.disable(logging.WARNING)
    try:
        with tempfile.TemporaryDirectory(prefix="tessera-") as folder:
            raw, out = Path(folder) / "raw.onnx", Path(folder) / "out.onnx"
            onnx.save(model, raw)
            yield raw, out
    finally:
        logging.disable(logging.NOTSET)


def _only_onnx(model: onnx.ModelProto) -> onnx.ModelProto:
    """Drop the operator sets that onnxruntime declares for its own use."""
    used = {node.domain for node in model.graph.node}
    opsets = [o for o in model.opset_import if o.domain in ("", "ai.onnx") or o.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(opsets)
    return model


class _Samples(CalibrationDataReader):
    """An iterable of samples as onnxruntime wants it."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._samples = iter(samples)

    def get_next(self) -> dict[str, npt.NDArray[Any]] | None:
        """The next sample, None after the last."""
        sample = next(self._samples, None)
        return None if sample is None else dict(sample)
