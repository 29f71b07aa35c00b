# SPDX-License-Identifier: Apache-2.0
"""The files that models come in, by their suffix."""

from __future__ import annotations

import argparse
from pathlib import Path

from accel.isa import Rounding

ONNX, TFLITE, TORCH = ".onnx", ".tflite", ".pt2"
MODELS = (ONNX, TFLITE, TORCH)
"""Formats that are imported; TORCH is what `torch.export.save` writes."""
ROUNDINGS = {"single": Rounding.SINGLE, "double": Rounding.DOUBLE}
"""Requantization rules by their names on the command line."""


def rounding_of(path: Path) -> Rounding:
    """The rule of a format: TFLite-Micro's for TFLite files, TVM's for others."""
    return Rounding.DOUBLE if path.suffix == TFLITE else Rounding.SINGLE


def add_rounding(parser: argparse.ArgumentParser) -> None:
    """Add `--rounding`."""
    parser.add_argument(
        "--rounding",
        choices=ROUNDINGS,
        help="requantize with one rounding as TVM, or with two as TFLite-Micro (default: double "
        "for .tflite, else single)",
    )
