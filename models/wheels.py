# SPDX-License-Identifier: Apache-2.0
"""Float models that packages from PyPI carry; no code of those packages runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import onnx
from onnx import version_converter

from models.network import BuildError
from models.onnx_builder import IR_VERSION, OPSET
from models.quantize import preprocess

Shapes = Mapping[str, Sequence[int]]


def load_wheel(package: str, file: str, shapes: Shapes) -> onnx.ModelProto:
    """A package's model at our opset, preprocessed: static shapes, batch norms folded.

    Args:
        package: name to import it by.
        file: path inside it.
        shapes: of the inputs.

    Raises:
        BuildError: it is not installed.
    """
    return standardize(onnx.load(locate(package) / file), shapes)


def locate(package: str) -> Path:
    """Folder of an installed package, without importing it.

    Raises:
        BuildError: it is not installed.
    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise BuildError(f"{package} is not installed; `make setup` does it")
    return Path(spec.origin).parent


def standardize(model: onnx.ModelProto, shapes: Shapes) -> onnx.ModelProto:
    """Our opset, static shapes, constants and batch norms folded."""
    for value in model.graph.input:
        for dim, size in zip(value.type.tensor_type.shape.dim, shapes[value.name], strict=True):
            dim.dim_value = size
    # What was inferred for open sizes would contradict the fixed ones.
    del model.graph.value_info[:]
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
    model = version_converter.convert_version(model, OPSET)
    model.ir_version = IR_VERSION
    return preprocess(model)
