# SPDX-License-Identifier: Apache-2.0
"""The files that models come in, by their suffix."""

from __future__ import annotations

from pathlib import Path

from accel.isa import Rounding

ONNX, TFLITE, TORCH = ".onnx", ".tflite", ".pt2"
MODELS = (ONNX, TFLITE, TORCH)
"""Formats that are imported; TORCH is what `torch.export.save` writes."""
ROUNDINGS = {"single": Rounding.SINGLE, "double": Rounding.DOUBLE}
"""Requantization rules by their names on the command line."""


def rounding_of(path: Path, chosen: str | None) -> Rounding:
    """The rule that is `chosen`; else of TFLite files TFLite-Micro's, of others TVM's."""
    if chosen is not None:
        return ROUNDINGS[chosen]
    return Rounding.DOUBLE if path.suffix == TFLITE else Rounding.SINGLE
