# SPDX-License-Identifier: Apache-2.0
"""`--calibrate DATA`: quantize a float model after training, by samples of its inputs."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import onnx
from onnx import version_converter

from accel.errors import ConfigError, ModelError
from codegen.frontend.formats import TFLITE, TORCH
from codegen.frontend.onnx_file import is_quantized, read_model
from codegen.frontend.samples import read_samples


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add `--calibrate` and the options that say how."""
    group = parser.add_argument_group("quantizing a float model")
    group.add_argument(
        "--calibrate",
        type=Path,
        metavar="DATA.npz|DIR",
        help="quantize the model with these samples, arrays by input name",
    )
    group.add_argument(
        "--calibration",
        choices=("minmax", "entropy", "percentile"),
        help="how samples give ranges (default: minmax)",
    )
    group.add_argument(
        "--activations", choices=("int8", "uint8"), help="type of activations (default: int8)"
    )
    group.add_argument("--per-tensor", action="store_true", help="one scale for all of a weight")
    group.add_argument(
        "--symmetric", action="store_true", help="zero points of activations in the middle"
    )


def check_options(options: argparse.Namespace) -> None:
    """Refuse options that say how to quantize when nothing is.

    Raises:
        ConfigError: so it is.
    """
    for name in ("calibration", "activations", "per_tensor", "symmetric"):
        if options.calibrate is None and getattr(options, name):
            raise ConfigError(f"--{name.replace('_', '-')} needs --calibrate DATA.npz|DIR")


def quantized(
    path: Path,
    folder: Path,
    options: argparse.Namespace,
    progress: Callable[[str], None] = lambda _: None,
) -> Path:
    """The model to compile: `path`, or what `--calibrate` makes of it.

    Args:
        path: an ONNX file.
        folder: where `<name>.int8.onnx` is written.
        options: with what `add_options` added.
        progress: told the name of each step.

    Raises:
        ConfigError: options that do nothing.
        ModelError: the model or the samples cannot be used, or onnxruntime fails on them.
    """
    check_options(options)
    if options.calibrate is None:
        return path
    if path.suffix in (TFLITE, TORCH):
        raise ConfigError(f"{path}: --calibrate takes a float ONNX model")
    model = read_model(path)
    if is_quantized(model):
        raise ModelError(f"{path}: --calibrate takes a float model, this one is quantized already")
    samples = read_samples(options.calibrate, model)
    progress(f"quantizing with {len(samples)} samples")
    from codegen.frontend.quantize import (
        PER_CHANNEL_OPSET,
        Quantization,
        preprocess,
        quantize,
    )

    how = Quantization(
        options.calibration or "minmax",
        options.activations or "int8",
        not options.per_tensor,
        options.symmetric,
    )
    try:
        if _opset(model) < PER_CHANNEL_OPSET:
            model = version_converter.convert_version(model, PER_CHANNEL_OPSET)
        result = quantize(preprocess(model), samples, how)
    except Exception as error:  # noqa: BLE001 (onnxruntime raises what it likes)
        lines = str(error).strip().splitlines() or [repr(error)]
        raise ModelError(f"{path}: onnxruntime cannot quantize this model: {lines[0]}") from None
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{path.stem.removesuffix('.float')}.int8.onnx"
    partial = target.with_name(target.name + ".partial")
    onnx.save(result, partial)
    partial.replace(target)
    return target


def _opset(model: onnx.ModelProto) -> int:
    return max(int(o.version) for o in model.opset_import if o.domain in ("", "ai.onnx"))
