# SPDX-License-Identifier: Apache-2.0
"""Import what `torch.export.save` wrote of a PT2E-quantized model; needs PyTorch (`make torch`).

TVM has the importer; what it lacks are the ops that PT2E quantizes with, `quantized_decomposed.*`.
Every result is bound to a variable that is named after its node, as the ONNX import does.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper
from tvm import relax

from accel.errors import ModelError

QUANTIZE = "quantize_per_tensor.default"
DEQUANTIZE = ("dequantize_per_tensor.default", "dequantize_per_channel.default")
HOW_TO_INSTALL = "install it with `make torch` (pip install torch==2.13.0)"


@dataclass(frozen=True, slots=True)
class Exported:
    """An exported program in Relax."""

    module: Any
    """tvm.IRModule with `main`, float QDQ."""
    operators: onnx.ModelProto
    """A node for each call of an op; not to be executed."""
    names: tuple[str, ...]
    run: Callable[[list[Any]], list[Any]]
    """Executes the program with PyTorch, NumPy arrays in and out."""


def import_exported(path: Path) -> Exported:
    """Load a `.pt2` file and convert it.

    Raises:
        ModelError: PyTorch is missing, the file is none of its exports or is not quantized, or an
            op that TVM cannot import.
    """
    try:
        import torch
        from torch.ao.quantization.fx import _decomposed  # registers quantized_decomposed
    except ImportError:
        raise ModelError(f"{path}: PyTorch is not installed; {HOW_TO_INSTALL}") from None
    if not path.is_file():
        raise ModelError(f"{path}: no such file")
    assert _decomposed is not None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            program = torch.export.load(str(path)).run_decompositions()
        except Exception as error:  # noqa: BLE001 (PyTorch raises what it likes)
            raise ModelError(f"{path}: not an exported program: {_last_line(error)}") from None
        calls = [node for node in program.graph.nodes if node.op == "call_function"]
        if not any(_called(node) == QUANTIZE for node in calls):
            raise ModelError(
                f"{path}: nothing in it is quantized; quantize it with torchao's prepare_pt2e and "
                "convert_pt2e before exporting it"
            )
        try:
            module = _convert(program, {node: index for index, node in enumerate(calls)})
        except ModelError as error:
            raise ModelError(f"{path}: {error}") from None
        except Exception as error:  # noqa: BLE001 (the importer raises what it likes)
            raise ModelError(f"{path}: TVM cannot import it: {_last_line(error)}") from None
    names = tuple(str(node.name) for node in calls)
    return Exported(module, _operators(calls), names, _runner(program))


def _last_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [repr(error)]
    return lines[-1]


def _called(node: Any) -> str:
    return str(getattr(node.target, "__name__", node.target))


def _convert(program: Any, index: dict[Any, int]) -> Any:
    """TVM's importer with our converters and names."""
    from tvm.relax.frontend.torch.exported_program_translator import ExportedProgramImporter

    importer = ExportedProgramImporter()
    current = [""]
    known = importer.create_convert_map()

    def named(convert: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
        def run(node: Any, _: Any) -> Any:
            current[0] = f"node{index[node]}x" if node in index else ""
            return convert(node)

        return run

    def ours(convert: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
        return lambda node: convert(node, importer)

    converters = {name: named(convert) for name, convert in known.items()}
    converters[QUANTIZE] = named(ours(_quantize))
    buffers = _buffers(program)

    def dequantize(node: Any, _: Any) -> Any:
        return _dequantize(node, importer, buffers)

    converters |= {name: named(ours(dequantize)) for name in DEQUANTIZE}
    with _named_results(current):
        module = importer.from_exported_program(program, False, True, False, converters)
    # A pool that gives its indices too is a tuple, of which only the values are read.
    return relax.transform.CanonicalizeBindings()(module)


@contextlib.contextmanager
def _named_results(current: list[str]) -> Iterator[None]:
    """Calls are bound to variables of the current node's name."""
    original = relax.BlockBuilder.emit

    def emit(self: Any, expr: Any, name_hint: str = "") -> Any:
        return original(self, expr, name_hint or current[0])

    relax.BlockBuilder.emit = emit
    try:
        yield
    finally:
        relax.BlockBuilder.emit = original


def _dtype(node: Any, given: Any) -> str:
    """int8 or uint8, from `torch.int8` or `torch.uint8`."""
    dtype = str(given).removeprefix("torch.")
    if dtype not in ("int8", "uint8"):
        raise ModelError(f"{node.name} is {dtype}; quantize to int8 or uint8")
    return dtype


def _quantize(node: Any, importer: Any) -> Any:
    """(x, scale, zero point, lowest, highest, dtype)."""
    x, scale, zero, low, high, given = node.args
    dtype = _dtype(node, given)
    limits = np.iinfo(dtype)
    if (low, high) != (limits.min, limits.max):
        raise ModelError(
            f"{node.name} uses {low} to {high} of {dtype}; quantize activations to the whole range"
        )
    parameters = relax.const(float(scale), "float32"), relax.const(int(zero), dtype)
    value = importer.env[x]
    return importer.block_builder.emit(relax.op.quantize(value, *parameters, 0, dtype))


def _buffers(program: Any) -> dict[str, Any]:
    """Values of constants by the name of their placeholder."""
    signature = program.graph_signature
    values = {**program.state_dict, **program.constants}
    places = {**signature.inputs_to_buffers, **signature.inputs_to_lifted_tensor_constants}
    return {name: values[target].numpy() for name, target in places.items()}


def _dequantize(node: Any, importer: Any, buffers: dict[str, Any]) -> Any:
    """(x, scale, zero point, ...) per tensor; (x, scales, zero points, axis, ...) per channel."""
    x, scale, zero = importer.env[node.args[0]], node.args[1], node.args[2]
    dtype = str(x.ty.dtype.dtype)
    axis = 0
    if _called(node) != DEQUANTIZE[0]:
        scale, zero = (_constant(value, node, buffers) for value in (scale, zero))
        axis = int(node.args[3])
    parameters = (
        relax.const(np.asarray(scale, np.float32), "float32"),
        relax.const(np.asarray(zero, dtype), dtype),
    )
    return importer.block_builder.emit(relax.op.dequantize(x, *parameters, axis, "float32"))


def _constant(value: Any, node: Any, buffers: dict[str, Any]) -> Any:
    """Value of a constant operand."""
    if str(value) not in buffers:
        raise ModelError(f"{node.name}: its scales and zero points must be constants")
    return buffers[str(value)]


def _operators(calls: list[Any]) -> onnx.ModelProto:
    nodes = [
        helper.make_node(
            _called(node),
            [str(value) for value in node.all_input_nodes],
            [str(node.name)],
            name=str(node.name),
        )
        for node in calls
    ]
    return helper.make_model(helper.make_graph(nodes, "torch", [], []))


def _runner(program: Any) -> Callable[[list[Any]], list[Any]]:
    def run(inputs: list[Any]) -> list[Any]:
        import torch

        with torch.no_grad():
            result = program.module()(*(torch.from_numpy(np.array(x)) for x in inputs))
        results = result if isinstance(result, tuple | list) else [result]
        return [value.numpy() for value in results]

    return run
