# SPDX-License-Identifier: Apache-2.0
"""Read named arrays: inputs of a run, samples to calibrate with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper

from accel.errors import ModelError

Array = npt.NDArray[Any]


def read_arrays(path: Path, names: Sequence[str]) -> dict[str, Array]:
    """Read an .npz file.

    Raises:
        ModelError: no such file, or it lacks one of `names`.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            found = {name: file[name] for name in file.files}
    except (OSError, ValueError, AttributeError) as error:
        raise ModelError(f"{path}: not a readable .npz file ({error})") from None
    for name in names:
        if name not in found:
            raise ModelError(
                f"{path} has no array {name}, an input of the model; it has {', '.join(found)}"
            )
    return found


def read_samples(path: Path, model: onnx.ModelProto) -> list[dict[str, Array]]:
    """Samples of a model's inputs, from an .npz file or from all in a folder.

    An array has the shape of its input, or that many times its first axis: so many samples.

    Raises:
        ModelError: no file, or arrays are missing, have another shape or type, are of different
            numbers of samples, or hold NaN or infinity.
    """
    files = sorted(path.glob("*.npz")) if path.is_dir() else [path]
    if not files:
        raise ModelError(f"{path}: no .npz file in this folder")
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    return [sample for file in files for sample in _samples_of(file, inputs)]


def _samples_of(path: Path, inputs: Sequence[onnx.ValueInfoProto]) -> list[dict[str, Array]]:
    found = read_arrays(path, [value.name for value in inputs])
    parts = {value.name: _split(path, found[value.name], value) for value in inputs}
    counts = {name: len(samples) for name, samples in parts.items()}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise ModelError(f"{path}: the inputs have different numbers of samples: {listed}")
    return [_sample(parts, index) for index in range(next(iter(counts.values()), 0))]


def _sample(parts: Mapping[str, Sequence[Array]], index: int) -> dict[str, Array]:
    return {name: samples[index] for name, samples in parts.items()}


def _split(path: Path, array: Array, value: onnx.ValueInfoProto) -> list[Array]:
    """The samples of one input."""
    shape = [d.dim_value for d in value.type.tensor_type.shape.dim]
    dtype = helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
    batch = shape[0] if shape else 1
    same = array.ndim == len(shape) and list(array.shape[1:]) == shape[1:]
    if array.dtype != dtype or not same or (shape and (array.size == 0 or len(array) % batch)):
        raise ModelError(
            f"{path}: {value.name} is {array.dtype.name} {list(array.shape)}, the model takes "
            f"{dtype.name} {shape} or several of them along the first axis"
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ModelError(f"{path}: {value.name} holds NaN or infinity")
    if not shape:
        return [array]
    return [array[start : start + batch] for start in range(0, len(array), batch)]
