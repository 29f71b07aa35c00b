# SPDX-License-Identifier: Apache-2.0
"""TFLite operators with weights, as ONNX."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import tflite

from accel.errors import ModelError
from codegen.frontend.tflite.geometry import pads, transposed
from codegen.frontend.tflite.read import Operator
from codegen.frontend.tflite.writer import Writer

Array = npt.NDArray[Any]


def _weights(w: Writer, op: Operator, position: int = 1) -> Array:
    data = w.tensor(op.inputs[position]).data
    if data is None:
        raise ModelError("its weights must be a constant")
    return data


def _convolution(w: Writer, op: Operator, kernel: Array, groups: int, options: Any) -> None:
    """`kernel` is [C, C / groups, H, W]."""
    x, around = w.padded.get(op.inputs[0], (op.inputs[0], (0, 0, 0, 0)))
    height, width = (
        size + around[a] + around[a + 2] for a, size in enumerate(w.tensor(x).shape[1:3])
    )
    stride = options.StrideH(), options.StrideW()
    dilation = options.DilationHFactor(), options.DilationWFactor()
    size = kernel.shape[2], kernel.shape[3]
    inner = pads(options.Padding(), (height, width), size, stride, dilation)
    inputs = [w.value(x), w.weights(op.inputs[1], kernel, 0)]
    if w.given(op, 2):
        inputs.append(w.bias(op.inputs[2], x, op.inputs[1]))
    y = w.emit(
        "Conv",
        inputs,
        kernel_shape=size,
        strides=stride,
        dilations=dilation,
        group=groups,
        pads=[a + b for a, b in zip(around, inner, strict=True)],
    )
    w.finish(y, op.outputs[0], options.FusedActivationFunction())


def conv_2d(w: Writer, op: Operator) -> None:
    """[C, H, W, C / groups] weights."""
    kernel = _weights(w, op).transpose(0, 3, 1, 2)
    groups = w.tensor(op.inputs[0]).shape[3] // kernel.shape[1]
    _convolution(w, op, kernel, groups, op.options(tflite.Conv2DOptions))


def depthwise_conv_2d(w: Writer, op: Operator) -> None:
    """[1, H, W, C] weights; C is a multiple of the input's channels."""
    kernel = _weights(w, op).transpose(3, 0, 1, 2)
    groups = w.tensor(op.inputs[0]).shape[3]
    _convolution(w, op, kernel, groups, op.options(tflite.DepthwiseConv2DOptions))


def transpose_conv(w: Writer, op: Operator) -> None:
    """[C, H, W, C of the input] weights; the output's shape is an input."""
    options = op.options(tflite.TransposeConvOptions)
    kernel = _weights(w, op).transpose(3, 0, 1, 2)
    height, width = w.tensor(op.inputs[2]).shape[1:3]
    out = w.tensor(op.outputs[0]).shape
    size, stride = (kernel.shape[2], kernel.shape[3]), (options.StrideH(), options.StrideW())
    cut, more = transposed(options.Padding(), (height, width), (out[1], out[2]), size, stride)
    inputs = [w.value(op.inputs[2]), w.weights(op.inputs[1], kernel, 1)]
    if w.given(op, 3):
        inputs.append(w.bias(op.inputs[3], op.inputs[2], op.inputs[1]))
    y = w.emit(
        "ConvTranspose",
        inputs,
        kernel_shape=size,
        strides=stride,
        pads=cut,
        output_padding=more,
    )
    w.finish(y, op.outputs[0], options.FusedActivationFunction())


def fully_connected(w: Writer, op: Operator) -> None:
    """[C, inputs] weights; other axes of the input are rows."""
    options = op.options(tflite.FullyConnectedOptions)
    if options.WeightsFormat():
        raise ModelError("its weights are shuffled: convert the model for the reference kernels")
    rows = _weights(w, op)
    x = w.value(op.inputs[0])
    image = w.flat.get(op.inputs[0])
    shape = w.tensor(op.inputs[0]).shape
    out = w.tensor(op.outputs[0]).shape
    if len(shape) == 4 and shape[1] * shape[2] * shape[3] == rows.shape[1]:
        image = shape[1], shape[2], shape[3]
        x = w.emit("Reshape", [x, w.constant(np.asarray([shape[0], -1], np.int64))])
    elif len(shape) == 4 or len(out) == 4:
        raise ModelError(f"its input {list(shape)} is neither rows nor an image to flatten")
    elif len(out) != len(shape):
        x = w.emit("Reshape", [x, w.constant(np.asarray([-1, rows.shape[1]], np.int64))])
    if image is not None:
        rows = rows.reshape(-1, *image).transpose(0, 3, 1, 2).reshape(len(rows), -1)
    y = w.emit("MatMul", [x, w.weights(op.inputs[1], rows.T, 1)])
    if w.given(op, 2):
        y = w.emit("Add", [y, w.bias(op.inputs[2], op.inputs[0], op.inputs[1])])
    w.finish(y, op.outputs[0], options.FusedActivationFunction())
