# SPDX-License-Identifier: Apache-2.0
"""A TFLite file as two ONNX models: what its operators are, and what they mean.

The first has a node for each operator, by which reports name it. The second is what is compiled:
QDQ islands, whose nodes have the names of the first by index, as `onnx_import` gives them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import tflite
from onnx import helper

from accel.errors import ModelError
from codegen.frontend.tflite import elements, moves, products
from codegen.frontend.tflite.read import Graph, Operator, read
from codegen.frontend.tflite.writer import (
    STORED,
    TO_CHANNELS_LAST,
    TO_CHANNELS_SECOND,
    Writer,
    stored_name,
)

OPSET = 17
IR_VERSION = 8
"""That belongs to the opset."""
IO_TYPES = (*STORED, "float32")
CONVERTERS: dict[str, Callable[[Writer, Operator], None]] = {
    "ADD": elements.binary("Add", tflite.AddOptions),
    "AVERAGE_POOL_2D": elements.pool("AveragePool"),
    "CONCATENATION": moves.concatenation,
    "CONV_2D": products.conv_2d,
    "DEPTHWISE_CONV_2D": products.depthwise_conv_2d,
    "DEQUANTIZE": elements.dequantize,
    "EXPAND_DIMS": moves.reshape,
    "FULLY_CONNECTED": products.fully_connected,
    "HARD_SWISH": elements.hard_swish,
    "LEAKY_RELU": elements.leaky_relu,
    "LOGISTIC": elements.unary("Sigmoid"),
    "MAX_POOL_2D": elements.pool("MaxPool"),
    "MEAN": elements.mean,
    "MUL": elements.binary("Mul", tflite.MulOptions),
    "PAD": moves.pad,
    "PADV2": moves.pad,
    "QUANTIZE": elements.quantize,
    "RELU": elements.bounded(0.0),
    "RELU6": elements.bounded(0.0, 6.0),
    "RELU_N1_TO_1": elements.bounded(-1.0, 1.0),
    "RESHAPE": moves.reshape,
    "RESIZE_NEAREST_NEIGHBOR": moves.resize_nearest_neighbor,
    "SOFTMAX": elements.softmax,
    "SPLIT": moves.split,
    "SQUEEZE": moves.reshape,
    "STRIDED_SLICE": moves.strided_slice,
    "SUB": elements.binary("Sub", tflite.SubOptions),
    "TANH": elements.unary("Tanh"),
    "TRANSPOSE": moves.transpose,
    "TRANSPOSE_CONV": products.transpose_conv,
}


@dataclass(frozen=True, slots=True)
class Converted:
    """A TFLite model in ONNX."""

    operators: onnx.ModelProto
    """A node for each operator; not to be executed."""
    qdq: onnx.ModelProto
    names: tuple[str, ...]
    """What the operators are called."""


def convert(path: Path) -> Converted:
    """Read a TFLite file and convert it.

    Raises:
        ModelError: what `read` refuses, nothing in it is quantized, or an operator, or a use of
            one, that is not supported.
    """
    graph = read(path)
    if not any(t.dtype in STORED and t.quantization for t in graph.tensors):
        raise ModelError(
            f"{path}: a float model, nothing in it is quantized; convert it with int8 activations "
            "(tf.lite.Optimize.DEFAULT and a representative dataset)"
        )
    writer = Writer(graph)
    try:
        _inputs(writer)
        for operator in graph.operators:
            _operator(writer, operator)
        _outputs(writer)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
    return Converted(_operators(graph), _model(writer), tuple(op.name for op in graph.operators))


def _operator(w: Writer, op: Operator) -> None:
    w.begin(op)
    convert_one = CONVERTERS.get(op.code)
    if convert_one is None:
        raise ModelError(
            f"operator {op.index} is {op.code}, which Tessera cannot import; it imports "
            f"{', '.join(CONVERTERS)}"
        )
    try:
        convert_one(w, op)
    except ModelError as error:
        raise ModelError(f"operator {op.index} ({op.code}): {error}") from None
    w.end()


def _names(graph: Graph, indices: tuple[int, ...]) -> list[str]:
    """Names of inputs or outputs, unique."""
    names = [graph.tensors[index].name for index in indices]
    return [n if names.count(n) == 1 else f"{n}:{i}" for i, n in enumerate(names)]


def _inputs(w: Writer) -> None:
    for index, name in zip(w.graph.inputs, _names(w.graph, w.graph.inputs), strict=True):
        _border(w, stored_name(index), index, name, inside=True)


def _outputs(w: Writer) -> None:
    for index, name in zip(w.graph.outputs, _names(w.graph, w.graph.outputs), strict=True):
        _border(w, name, index, stored_name(index), inside=False)


def _border(w: Writer, result: str, index: int, value: str, *, inside: bool) -> None:
    """Turn an image round, or only name it."""
    tensor = w.tensor(index)
    if tensor.dtype not in IO_TYPES:
        raise ModelError(
            f"tensor {tensor.name} is {tensor.dtype}: inputs and outputs are {', '.join(IO_TYPES)}"
        )
    if len(tensor.shape) == 4:
        w.emit(
            "Transpose", [value], result, perm=TO_CHANNELS_SECOND if inside else TO_CHANNELS_LAST
        )
    else:
        w.emit("Identity", [value], result)


def _model(w: Writer) -> onnx.ModelProto:
    graph = w.graph

    def infos(indices: tuple[int, ...]) -> list[onnx.ValueInfoProto]:
        return [
            helper.make_tensor_value_info(
                name,
                helper.np_dtype_to_tensor_dtype(np.dtype(graph.tensors[index].dtype)),
                graph.tensors[index].shape,
            )
            for index, name in zip(indices, _names(graph, indices), strict=True)
        ]

    body = helper.make_graph(
        w.nodes,
        "tflite",
        infos(graph.inputs),
        infos(graph.outputs),
        list(w.constants.values()),
    )
    return helper.make_model(
        body, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )


def _operators(graph: Graph) -> onnx.ModelProto:
    nodes = [
        helper.make_node(
            op.code,
            [f"t{i}" for i in op.inputs if i >= 0],
            [f"t{i}" for i in op.outputs],
            name=op.name,
        )
        for op in graph.operators
    ]
    return helper.make_model(helper.make_graph(nodes, "tflite", [], []))
