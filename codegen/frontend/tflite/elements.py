# SPDX-License-Identifier: Apache-2.0
"""Element-wise TFLite operators, pools and reductions, as ONNX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tflite

from accel.errors import ModelError
from codegen.frontend.tflite.geometry import pads
from codegen.frontend.tflite.read import Operator
from codegen.frontend.tflite.writer import LARGEST, Writer, axis_of, stored_name, turned

Convert = Callable[[Writer, Operator], None]


def _operand(w: Writer, index: int, rank: int) -> str:
    """An operand of an element-wise operator, with the rank of its result."""
    tensor = w.tensor(index)
    if len(tensor.shape) == rank or not tensor.shape:
        return w.value(index)
    shape = (1,) * (rank - len(tensor.shape)) + tensor.shape
    if tensor.data is None:
        raise ModelError(f"its operands have the ranks {len(tensor.shape)} and {rank}; reshape one")
    values = turned(tensor.data.reshape(shape))
    if tensor.quantization is not None and tensor.quantization.scale.size > 1:
        raise ModelError(f"tensor {tensor.name} has a scale per channel")
    return w.weights(index, values, 0)


def binary(op: str, kind: Any) -> Convert:
    """A sum, difference or product, broadcast."""

    def convert(w: Writer, operator: Operator) -> None:
        rank = len(w.tensor(operator.outputs[0]).shape)
        operands = [_operand(w, index, rank) for index in operator.inputs]
        activation = operator.options(kind).FusedActivationFunction() if operator.table else 0
        w.finish(w.emit(op, operands), operator.outputs[0], activation)

    return convert


def unary(op: str) -> Convert:
    """A function without attributes."""

    def convert(w: Writer, operator: Operator) -> None:
        w.finish(w.emit(op, [w.value(operator.inputs[0])]), operator.outputs[0])

    return convert


def bounded(low: float, high: float = LARGEST) -> Convert:
    """RELU and its kin."""

    def convert(w: Writer, operator: Operator) -> None:
        bounds = [w.constant(np.asarray(b, np.float32)) for b in (low, high)]
        y = w.emit("Clip", [w.value(operator.inputs[0]), *bounds])
        w.finish(y, operator.outputs[0])

    return convert


def leaky_relu(w: Writer, op: Operator) -> None:
    """Negative values times alpha."""
    alpha = float(op.options(tflite.LeakyReluOptions).Alpha())
    w.finish(w.emit("LeakyRelu", [w.value(op.inputs[0])], alpha=alpha), op.outputs[0])


def hard_swish(w: Writer, op: Operator) -> None:
    """As a product: x * clip(x + 3, 0, 6) / 6."""
    x = w.value(op.inputs[0])
    three, low, high, sixth = (w.constant(np.asarray(v, np.float32)) for v in (3, 0, 6, 1 / 6))
    gate = w.emit("Clip", [w.emit("Add", [x, three]), low, high])
    w.finish(w.emit("Mul", [w.emit("Mul", [x, gate]), sixth]), op.outputs[0])


def softmax(w: Writer, op: Operator) -> None:
    """Along the last axis."""
    beta = float(op.options(tflite.SoftmaxOptions).Beta())
    x = w.value(op.inputs[0])
    if beta != 1:
        x = w.emit("Mul", [x, w.constant(np.asarray(beta, np.float32))])
    rank = len(w.tensor(op.inputs[0]).shape)
    w.finish(w.emit("Softmax", [x], axis=axis_of(-1, rank)), op.outputs[0])


def pool(kind: str) -> Convert:
    """Windows of valid pixels only."""

    def convert(w: Writer, op: Operator) -> None:
        options = op.options(tflite.Pool2DOptions)
        height, width = w.tensor(op.inputs[0]).shape[1:3]
        kernel = options.FilterHeight(), options.FilterWidth()
        stride = options.StrideH(), options.StrideW()
        around = pads(options.Padding(), (height, width), kernel, stride)
        x = w.value(op.inputs[0])
        y = w.emit(kind, [x], kernel_shape=kernel, strides=stride, pads=around)
        w.finish(y, op.outputs[0], options.FusedActivationFunction())

    return convert


def mean(w: Writer, op: Operator) -> None:
    """Mean over axes."""
    shape = w.tensor(op.inputs[0]).shape
    axes = sorted(axis_of(a, len(shape)) for a in w.numbers(op.inputs[1], "axes"))
    y = w.emit("ReduceMean", [w.value(op.inputs[0])], axes=axes, keepdims=1)
    out = w.tensor(op.outputs[0])
    if len(out.shape) == len(shape):
        w.finish(y, out.index)
        return
    if len(out.shape) == 4 or (len(shape) == 4 and 1 not in axes and axes != [2, 3]):
        raise ModelError(f"it reduces axes {axes} of {list(shape)} and drops them: keep them")
    kept = f"{stored_name(out.index)}.kept"
    w.finish(y, out.index)
    if w.nodes[-1].op_type == "QuantizeLinear":
        last = w.nodes[-1]
        last.output[0] = kept
        again = w.emit("DequantizeLinear", [kept, *last.input[1:]])
        flat = w.emit("Reshape", [again, w.constant(np.asarray(out.shape, np.int64))])
        w.emit("QuantizeLinear", [flat, *last.input[1:]], stored_name(out.index))
    else:
        w.nodes[-1].output[0] = kept
        w.emit(
            "Reshape", [kept, w.constant(np.asarray(out.shape, np.int64))], stored_name(out.index)
        )


def quantize(w: Writer, op: Operator) -> None:
    """To int8, from float or from another scale."""
    w.finish(w.value(op.inputs[0]), op.outputs[0])


def dequantize(w: Writer, op: Operator) -> None:
    """To float."""
    w.finish(w.value(op.inputs[0]), op.outputs[0])
