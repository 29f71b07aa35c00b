# SPDX-License-Identifier: Apache-2.0
"""Read an ONNX model and import it into Relax; every result remembers its node."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from tvm import relax
from tvm.ir import Call
from tvm.relax.frontend.onnx import from_onnx, onnx_frontend

from accel.errors import ModelError

OPSETS = range(13, 22)
"""ONNX opsets we read: QuantizeLinear is per-axis since 13; onnxruntime implements Q/DQ to 21
fully."""

QUANTIZED = frozenset({"QuantizeLinear", "DequantizeLinear"})

HOW_TO_QUANTIZE = (
    "quantize it first, for instance:\n"
    "  onnxruntime.quantization.quantize_static(FLOAT, INT8, calibration_reader,\n"
    "      quant_format=QuantFormat.QDQ, per_channel=True,\n"
    "      activation_type=QuantType.QInt8, weight_type=QuantType.QInt8)"
)

_HINT = re.compile(r"node((?:\d+x)+)")


@dataclass(frozen=True, slots=True)
class Imported:
    """A model in Relax, float QDQ as the file has it."""

    module: Any
    """tvm.IRModule with `main`."""
    model: onnx.ModelProto
    nodes: tuple[str, ...]
    """Names of the ONNX nodes by their index; see `node_names`."""


def load_model(path: Path) -> onnx.ModelProto:
    """Read and check an ONNX file.

    Raises:
        ModelError: not an ONNX file, an unsupported opset, dynamic shapes, or not quantized.
    """
    if not path.is_file():
        raise ModelError(f"{path}: no such file")
    try:
        model = onnx.load(str(path))
        onnx.checker.check_model(model)
    except Exception as error:  # noqa: BLE001 (protobuf and onnx raise what they like)
        reason = str(error).strip().splitlines()
        raise ModelError(
            f"{path}: not a valid ONNX model: {reason[0] if reason else error!r}"
        ) from None
    opset = max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=0)
    if opset not in OPSETS:
        raise ModelError(
            f"{path}: opset {opset} is not supported, only {OPSETS.start} to {OPSETS.stop - 1}; "
            "convert it with onnx.version_converter.convert_version(model, 17)"
        )
    _check_shapes(model, path)
    if not any(node.op_type in QUANTIZED for node in model.graph.node):
        raise ModelError(f"{path}: a float model, nothing in it is quantized; {HOW_TO_QUANTIZE}")
    return model


def _check_shapes(model: onnx.ModelProto, path: Path) -> None:
    constants = {initializer.name for initializer in model.graph.initializer}
    for value in model.graph.input:
        if value.name in constants:
            continue
        sizes = [d.dim_value or d.dim_param or "?" for d in value.type.tensor_type.shape.dim]
        if not all(isinstance(size, int) for size in sizes):
            raise ModelError(
                f"{path}: input {value.name} has the dynamic shape {sizes}; fix it, for instance "
                "with python -m onnxruntime.tools.make_dynamic_shape_fixed "
                f"--input_name {value.name} --input_shape 1,..."
            )


def import_onnx(path: Path) -> Imported:
    """Read an ONNX file and convert it to Relax.

    Raises:
        ModelError: what `load_model` refuses, or an operator that TVM cannot import.
    """
    model = load_model(path)
    names = _name_nodes(model)
    try:
        with _tracking(names):
            module = from_onnx(model)
    except Exception as error:  # noqa: BLE001 (the importer raises what it likes)
        lines = str(error).strip().splitlines()
        raise ModelError(
            f"{path}: TVM cannot import this model: {lines[-1] if lines else repr(error)}"
        ) from None
    return Imported(module, model, names)


def _name_nodes(model: onnx.ModelProto) -> tuple[str, ...]:
    """Rename every node after its index in the graph; returns the readable names."""
    readable = tuple(node.name or f"{node.op_type}:{node.output[0]}" for node in model.graph.node)
    for index, node in enumerate(model.graph.node):
        node.name = f"node{index}x"
    return readable


@contextlib.contextmanager
def _tracking(names: tuple[str, ...]) -> Iterator[None]:
    """Let every converter bind its result to a variable named after the node's index."""
    original = onnx_frontend._get_convert_map

    def tracked() -> dict[str, Any]:
        return {op: _tracked(converter) for op, converter in original().items()} | {
            "Clip": _tracked(_ClipConverter)
        }

    onnx_frontend._get_convert_map = tracked
    try:
        yield
    finally:
        onnx_frontend._get_convert_map = original


def _tracked(converter: Any) -> Any:
    class Tracked:
        @classmethod
        def get_converter(cls, opset: int) -> Any:
            convert = converter.get_converter(opset)

            def run(bb: Any, inputs: Any, attrs: Any, params: Any) -> Any:
                result = convert(bb, inputs, attrs, params)
                if isinstance(result, Call):
                    hint = attrs["tvm_custom"]["name"]
                    return bb.emit(bb.normalize(result), name_hint=hint)
                return result

            return run

    return Tracked


class _ClipConverter:
    """Clip as relax.clip (TVM spells it out in primitives that no pattern matches)."""

    @classmethod
    def get_converter(cls, opset: int) -> Any:
        """Converter for any opset."""
        return cls._convert

    @staticmethod
    def _convert(bb: Any, inputs: Any, attrs: Any, params: Any) -> Any:
        limits = np.finfo(np.float32)
        bounds = [float(limits.min), float(limits.max)]
        for index, key in enumerate(("min", "max")):
            value = attrs.get(key)
            if index + 1 < len(inputs) and inputs[index + 1] is not None:
                value = float(inputs[index + 1].value.numpy())
            if value is not None:
                bounds[index] = float(value)
        return relax.op.clip(inputs[0], bounds[0], bounds[1])


def merge_hints(*hints: str) -> str:
    """Name of a variable that several nodes made; `node_indices` reads it back."""
    indices = sorted({index for hint in hints for index in node_indices(hint)})
    return "node" + "".join(f"{index}x" for index in indices)


def node_indices(hint: str) -> tuple[int, ...]:
    """Indices of the ONNX nodes in a variable's name."""
    match = _HINT.match(hint)
    return tuple(int(i) for i in match.group(1).split("x") if i) if match else ()


def node_names(hint: str, nodes: tuple[str, ...]) -> str:
    """Readable names of the ONNX nodes in a variable's name, joined by "+"."""
    return "+".join(nodes[index] for index in node_indices(hint))
