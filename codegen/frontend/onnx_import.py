# SPDX-License-Identifier: Apache-2.0
"""Import an ONNX model into Relax; every result remembers its node."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
from tvm import relax
from tvm.ir import Call
from tvm.relax.frontend.onnx import from_onnx, onnx_frontend

from accel.errors import ModelError
from codegen.frontend.constants import simplify_weights
from codegen.frontend.converters import CONVERTERS, Convert
from codegen.frontend.formats import TFLITE, TORCH
from codegen.frontend.narrow import carry
from codegen.frontend.nodes import merge_hints, name_nodes, node_indices, node_names, readable
from codegen.frontend.onnx_file import load_model
from codegen.frontend.qoperator import to_qdq

__all__ = [
    "Imported",
    "import_model",
    "import_onnx",
    "merge_hints",
    "node_indices",
    "node_names",
]

STATIC_INPUTS = {"Reshape": (1,), "Pad": (1, 2, 3)}
"""Inputs, by operator, that say how the operator works."""


@dataclass(frozen=True, slots=True)
class Imported:
    """A model in Relax, float QDQ as the file has it."""

    module: Any
    """tvm.IRModule with `main`."""
    model: onnx.ModelProto
    """What was read; the order of its nodes is that of `nodes`."""
    qdq: onnx.ModelProto | None
    """The same as it was imported: QOperator nodes and TFLite operators as QDQ islands, narrow
    types in bytes. None: it was no ONNX, but PyTorch's."""
    nodes: tuple[str, ...]
    """Names of the ONNX nodes by their index; see `node_names`."""
    torch: Callable[[list[Any]], list[Any]] | None = None
    """Executes a model of PyTorch."""

    def onnx_bytes(self) -> bytes:
        """`qdq` as an ONNX file that onnxruntime takes: pieces of a node share no name."""
        assert self.qdq is not None
        plain = onnx.ModelProto()
        plain.CopyFrom(self.qdq)
        for node in plain.graph.node:
            node.name = ""
        return bytes(plain.SerializeToString())


def import_onnx(path: Path) -> Imported:
    """Read a quantized ONNX, TFLite or PyTorch file and convert it to Relax.

    Raises:
        ModelError: what `onnx_file.load_model`, `tflite.convert`, `torch_import` and `import_model`
            refuse.
    """
    if path.suffix == TFLITE:
        from codegen.frontend.tflite.convert import convert

        read = convert(path)
        return _imported(read.operators, lambda: read.qdq, str(path), read.names)
    if path.suffix == TORCH:
        from codegen.frontend.torch_import import import_exported

        exported = import_exported(path)
        return Imported(exported.module, exported.operators, None, exported.names, exported.run)
    return import_model(load_model(path), str(path))


def import_model(model: onnx.ModelProto, source: str) -> Imported:
    """Convert a model, float or quantized, to Relax.

    Args:
        model: its nodes are renamed.
        source: what to call it in messages.

    Raises:
        ModelError: an operator, or a use of one, that cannot be imported.
    """
    names = name_nodes(model)

    def islands() -> onnx.ModelProto:
        qdq = to_qdq(carry(model))
        _check_static_inputs(model)
        return qdq

    return _imported(model, islands, source, names)


def _imported(
    model: onnx.ModelProto,
    islands: Callable[[], onnx.ModelProto],
    source: str,
    names: tuple[str, ...],
) -> Imported:
    """Convert the QDQ form of `model`, whose nodes have the readable `names`."""
    try:
        qdq = simplify_weights(islands())
        module = _convert(qdq)
    except ModelError as error:
        raise ModelError(f"{source}: {readable(str(error), names)}") from None
    except Exception as error:  # noqa: BLE001 (the importer raises what it likes)
        lines = str(error).strip().splitlines() or [repr(error)]
        raise ModelError(f"{source}: TVM cannot import this model: {lines[-1]}") from None
    return Imported(module, model, qdq, names)


def _convert(model: onnx.ModelProto) -> Any:
    """TVM's importer with our converters.

    It prints before it raises, and checks once more what we have rewritten since it was checked.
    It takes a size of zero for an unknown one, so it is told all shapes.
    """
    shapes = {
        value.name: [d.dim_value for d in value.type.tensor_type.shape.dim]
        for value in model.graph.input
    }
    with _converters(), contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return from_onnx(model, shapes)


def _check_static_inputs(model: onnx.ModelProto) -> None:
    """Shapes and paddings must be known when compiling."""
    given = {value.name for value in model.graph.input}
    given -= {tensor.name for tensor in model.graph.initializer}
    for node in model.graph.node:
        for index in STATIC_INPUTS.get(node.op_type, ()):
            if index < len(node.input) and node.input[index] in given:
                raise ModelError(
                    f"{node.op_type} {node.name} takes {node.input[index]} at run time, but what "
                    "it says must be known when compiling: make it an initializer"
                )


@contextlib.contextmanager
def _converters() -> Iterator[None]:
    """Our converters beside TVM's; each binds its result to a variable named after its node."""
    original = onnx_frontend._get_convert_map

    def ours() -> dict[str, Any]:
        found = {op: _Tracked(known.get_converter) for op, known in original().items()}
        return found | {op: _Tracked(_for_any(convert)) for op, convert in CONVERTERS.items()}

    onnx_frontend._get_convert_map = ours
    try:
        yield
    finally:
        onnx_frontend._get_convert_map = original


def _for_any(convert: Convert) -> Callable[[int], Convert]:
    return lambda _: convert


class _Tracked:
    """A converter as the importer wants it, that binds what another one gives."""

    def __init__(self, for_opset: Callable[[int], Convert]) -> None:
        self._for_opset = for_opset

    def get_converter(self, opset: int) -> Convert:
        """Converter for an opset."""
        convert = self._for_opset(opset)

        def run(bb: Any, inputs: Any, attrs: Any, params: Any) -> Any:
            result = convert(bb, inputs, attrs, params)
            name = attrs["tvm_custom"]["name"]
            if isinstance(result, relax.Tuple):
                return relax.Tuple([_bound(bb, field, name) for field in result.fields])
            return _bound(bb, result, name)

        return run


def _bound(bb: Any, result: Any, name: str) -> Any:
    if isinstance(result, Call | relax.TupleGetItem):  # the latter: batch norm's value
        return bb.emit(bb.normalize(result), name_hint=name)
    return result
