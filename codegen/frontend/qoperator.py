# SPDX-License-Identifier: Apache-2.0
"""Rewrite QOperator nodes of an ONNX model as QDQ islands: dequantize, float op, quantize.

    QLinearConv(x, sx, zx, w, sw, zw, sy, zy, bias)
    ->  QuantizeLinear(Conv(DequantizeLinear(x, sx, zx), DequantizeLinear(w, sw, zw),
                            DequantizeLinear(bias, sx * sw)), sy, zy)

Nodes between them that only move or choose values (MaxPool, Reshape, ...) become islands of the
same scale. Every piece has the name of its node, so reports name what the file names. Operators:
https://onnx.ai/onnx/operators and ContribOperators.md of onnxruntime.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from accel.errors import ModelError

TO_FLOAT = int(TensorProto.FLOAT)


@dataclass(slots=True)
class Rewriter:
    """Collects the pieces of one node."""

    node: onnx.NodeProto
    constants: dict[str, onnx.TensorProto]
    """Initializers of the graph by name; pieces add theirs."""
    pieces: list[onnx.NodeProto] = field(default_factory=list)

    def attributes(self, *without: str) -> dict[str, Any]:
        """Attributes of the node that its float op has too."""
        return {
            a.name: helper.get_attribute_value(a)
            for a in self.node.attribute
            if a.name not in without
        }

    def input(self, index: int) -> str:
        """Name of an input; empty where it is not given."""
        return self.node.input[index] if index < len(self.node.input) else ""

    def emit(
        self, op: str, inputs: Sequence[str], output: str = "", domain: str = "", **attributes: Any
    ) -> str:
        """Append a node; returns the name of its result."""
        output = output or f"{self.node.output[0]}.{self.node.name}.{len(self.pieces)}"
        piece = helper.make_node(
            op, list(inputs), [output], name=self.node.name, domain=domain, **attributes
        )
        self.pieces.append(piece)
        return output

    def constant(self, values: npt.NDArray[Any]) -> str:
        """Name of a new initializer."""
        name = f"{self.node.output[0]}.{self.node.name}.constant{len(self.constants)}"
        self.constants[name] = numpy_helper.from_array(values, name)
        return name

    def scale(self, name: str) -> str:
        """A scale as float32: float16 is too coarse for what lies between two islands."""
        known = self.constants.get(name)
        if known is None:
            return self.emit("Cast", [name], to=TO_FLOAT)
        if known.data_type == TO_FLOAT:
            return name
        return self.constant(numpy_helper.to_array(known).astype(np.float32))

    def product(self, a: str, b: str, factor: float = 1.0) -> str:
        """Scale of a bias: factor * a * b."""
        known = [self.constants.get(name) for name in (a, b)]
        values = [numpy_helper.to_array(value) for value in known if value is not None]
        if len(values) == 2:
            return self.constant((factor * values[0] * values[1]).astype(np.float32))
        product = self.emit("Mul", [a, b])
        return self.emit("Mul", [product, self.constant(np.asarray(factor, np.float32))])

    def dequantized(self, first: int, axis: int = 0) -> str:
        """Real value of the inputs (value, scale, zero point) that begin at `first`."""
        value, scale, zero = (self.input(first + offset) for offset in range(3))
        inputs = [value, self.scale(scale), *([zero] if zero else [])]
        return self.emit("DequantizeLinear", inputs, axis=axis)

    def bias(self, index: int, scale: str) -> list[str]:
        """Real value of an int32 input, where there is one."""
        name = self.input(index)
        if not name:
            return []
        return [self.emit("DequantizeLinear", [name, scale], axis=0)]

    def quantize(self, value: str, first: int) -> None:
        """Result of the node: `value` with the inputs (scale, zero point) at `first`."""
        zero = self.input(first + 1)
        if not zero:
            raise ModelError(
                f"{self.node.op_type} has no zero point for its output: add one, it says whether "
                "the output is int8 or uint8"
            )
        inputs = [value, self.scale(self.input(first)), zero]
        self.emit("QuantizeLinear", inputs, self.node.output[0])


def _conv(r: Rewriter) -> None:
    x, w = r.dequantized(0), r.dequantized(3)
    bias = r.bias(8, r.product(r.scale(r.input(1)), r.scale(r.input(4))) if r.input(8) else "")
    r.quantize(r.emit("Conv", [x, w, *bias], **r.attributes()), 6)


def _matmul(r: Rewriter) -> None:
    """Scales are per tensor, per row of the left and per column of the right operand."""
    a, b = r.dequantized(0, axis=-2), r.dequantized(3, axis=-1)
    r.quantize(r.emit("MatMul", [a, b]), 6)


def _gemm(r: Rewriter) -> None:
    attributes = r.attributes()
    a, b = r.dequantized(0), r.dequantized(3, axis=0 if attributes.get("transB") else 1)
    alpha = attributes.get("alpha", 1.0)
    c = r.bias(6, r.product(r.input(1), r.input(4), alpha) if r.input(6) else "")
    if r.input(7):
        r.quantize(r.emit("Gemm", [a, b, *c], **attributes), 7)
    else:
        r.emit("Gemm", [a, b, *c], r.node.output[0], **attributes)


def _binary(op: str) -> Callable[[Rewriter], None]:
    def rewrite(r: Rewriter) -> None:
        r.quantize(r.emit(op, [r.dequantized(0), r.dequantized(3)]), 6)

    return rewrite


def _unary(op: str, *without: str) -> Callable[[Rewriter], None]:
    def rewrite(r: Rewriter) -> None:
        if r.attributes().get("channels_last"):
            raise ModelError(
                f"{r.node.op_type} with channels_last=1: channels come second in a model that "
                "Tessera takes; quantize it anew without the NHWC transformer of onnxruntime"
            )
        r.quantize(r.emit(op, [r.dequantized(0)], **r.attributes("channels_last", *without)), 3)

    return rewrite


def _concat(r: Rewriter) -> None:
    parts = [r.dequantized(first) for first in range(2, len(r.node.input), 3)]
    r.quantize(r.emit("Concat", parts, **r.attributes()), 0)


REWRITES: dict[str, Callable[[Rewriter], None]] = {
    "QLinearConv": _conv,
    "QLinearMatMul": _matmul,
    "QGemm": _gemm,
    "QLinearAdd": _binary("Add"),
    "QLinearMul": _binary("Mul"),
    "QLinearConcat": _concat,
    "QLinearGlobalAveragePool": _unary("GlobalAveragePool"),
    "QLinearAveragePool": _unary("AveragePool"),
    "QLinearLeakyRelu": _unary("LeakyRelu"),
    "QLinearSigmoid": _unary("Sigmoid"),
    "QLinearSoftmax": _unary("Softmax", "opset"),
}


MOVES = frozenset(
    {
        *("Flatten", "Identity", "MaxPool", "Reshape", "Slice"),
        *("Squeeze", "Transpose", "Unsqueeze"),
    }
)
"""Operators of one tensor that give some of its values, whatever their scale."""


def to_qdq(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model with every QOperator node as a QDQ island.

    Args:
        model: not changed.

    Raises:
        ModelError: a node computes on channels-last tensors, or its output has no zero point.
    """
    if not any(node.op_type in REWRITES for node in model.graph.node):
        return model
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    parameters: dict[str, tuple[str, str]] = {}
    nodes: list[onnx.NodeProto] = []
    for node in model.graph.node:
        rewriter = Rewriter(node, constants)
        if node.op_type in REWRITES:
            REWRITES[node.op_type](rewriter)
        elif node.op_type in MOVES and len(node.output) == 1 and node.input[0] in parameters:
            _move(rewriter, parameters[node.input[0]])
        else:
            rewriter.pieces.append(node)
        nodes += rewriter.pieces
        last = rewriter.pieces[-1]
        if last.op_type == "QuantizeLinear" and len(last.input) == 3:
            parameters[last.output[0]] = last.input[1], last.input[2]
    return with_graph(model, nodes, constants)


def _move(r: Rewriter, parameters: tuple[str, str]) -> None:
    x = r.emit("DequantizeLinear", [r.input(0), *parameters])
    moved = r.emit(r.node.op_type, [x, *r.node.input[1:]], **r.attributes())
    r.emit("QuantizeLinear", [moved, *parameters], r.node.output[0])


def with_graph(
    model: onnx.ModelProto, nodes: Sequence[onnx.NodeProto], constants: Mapping[str, Any]
) -> onnx.ModelProto:
    """A copy of a model with other nodes and initializers.

    Initializers are no inputs, as they are in files before IR version 4.
    """
    copied = onnx.ModelProto()
    copied.CopyFrom(model)
    graph = copied.graph
    known = {tensor.name for tensor in graph.initializer} | set(constants)
    inputs = [value for value in graph.input if value.name not in known]
    del graph.node[:], graph.initializer[:], graph.input[:]
    graph.input.extend(inputs)
    graph.node.extend(nodes)
    graph.initializer.extend(constants.values())
    return copied
