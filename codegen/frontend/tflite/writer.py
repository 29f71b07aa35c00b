# SPDX-License-Identifier: Apache-2.0
"""Write the ONNX form of a TFLite graph, operator by operator.

Images are [N, H, W, C] in TFLite and [N, C, H, W] in ONNX: every tensor of rank 4 is kept with its
channels second, and turned round at the model's inputs and outputs only. A quantized operator is an
island, DequantizeLinear -> float op -> QuantizeLinear; its pieces all have the operator's name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import tflite
from onnx import helper, numpy_helper

from accel.errors import ModelError
from codegen.frontend.tflite.read import Graph, Operator, Quantization, Tensor

Array = npt.NDArray[Any]
TO_CHANNELS_SECOND = (0, 3, 1, 2)
TO_CHANNELS_LAST = (0, 2, 3, 1)
STORED = ("int8", "uint8")
"""Quantized types of activations."""
LAYOUT = "layout"
"""Name of nodes that no operator is the reason of."""
LARGEST = float(np.finfo(np.float32).max)
ACTIVATIONS = {
    tflite.ActivationFunctionType.NONE: None,
    tflite.ActivationFunctionType.RELU: (0.0, LARGEST),
    tflite.ActivationFunctionType.RELU_N1_TO_1: (-1.0, 1.0),
    tflite.ActivationFunctionType.RELU6: (0.0, 6.0),
}
"""Bounds of fused activations."""


def axis_of(axis: int, rank: int) -> int:
    """Where an axis of a TFLite tensor is in ours."""
    axis %= rank
    return TO_CHANNELS_SECOND.index(axis) if rank == 4 else axis


def sizes_of(shape: Sequence[int]) -> tuple[int, ...]:
    """A TFLite shape as ours."""
    return tuple(shape[a] for a in TO_CHANNELS_SECOND) if len(shape) == 4 else tuple(shape)


def turned(values: Array) -> Array:
    """A constant as ours."""
    return values.transpose(TO_CHANNELS_SECOND) if values.ndim == 4 else values


def stored_name(index: int) -> str:
    """Name of a tensor in our layout."""
    return f"%t{index}"


class Writer:
    """Collects the ONNX nodes of a graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}
        self.padded: dict[int, tuple[int, tuple[int, ...]]] = {}
        """Outputs of PAD that a convolution takes in: its input, and (top, left, bottom, right)."""
        self.flat: dict[int, tuple[int, int, int]] = {}
        """Flattened images whose values are ours, channel by channel: (H, W, C)."""
        self._node = LAYOUT

    def begin(self, operator: Operator) -> None:
        """The nodes that follow are pieces of `operator`."""
        self._node = f"node{operator.index}x"

    def end(self) -> None:
        """What follows belongs to no operator."""
        self._node = LAYOUT

    def tensor(self, index: int) -> Tensor:
        """A tensor of the graph."""
        return self.graph.tensors[index]

    def emit(self, op: str, inputs: Sequence[str], output: str = "", **attributes: Any) -> str:
        """Append a node; returns the name of its result."""
        output = output or f"%v{len(self.nodes)}"
        self.nodes.append(
            helper.make_node(op, list(inputs), [output], name=self._node, **attributes)
        )
        return output

    def constant(self, values: Array) -> str:
        """Name of a new initializer."""
        name = f"%c{len(self.constants)}"
        self.constants[name] = numpy_helper.from_array(np.array(values, order="C"), name)
        return name

    def numbers(self, index: int, what: str) -> list[int]:
        """A constant that says how an operator works.

        Raises:
            ModelError: it is no constant.
        """
        data = self.tensor(index).data
        if data is None:
            raise ModelError(f"its {what} must be a constant")
        return [int(v) for v in np.asarray(data).reshape(-1)]

    def stored(self, index: int) -> str:
        """A tensor as it is stored: int8 or uint8 where it is quantized."""
        tensor = self.tensor(index)
        if tensor.data is not None:
            return self.constant(turned(tensor.data))
        return stored_name(index)

    def value(self, index: int) -> str:
        """Real value of an activation, or of a constant beside one."""
        tensor = self.tensor(index)
        if tensor.dtype == "float32":
            return self.stored(index)
        rank = len(tensor.shape)
        return self.dequantized(self.stored(index), self._quantized(tensor), tensor, rank)

    def dequantized(self, stored: str, how: Quantization, tensor: Tensor, rank: int) -> str:
        """Real value of what is stored in our layout."""
        kind = "int8" if tensor.dtype == "int4" else tensor.dtype
        axis = axis_of(how.axis, rank) if how.scale.size > 1 else 0
        return self.emit("DequantizeLinear", [stored, *self._parameters(how, kind)], axis=axis)

    def weights(self, index: int, values: Array, axis: int) -> str:
        """Real value of constant weights that were moved: scales are along `axis` now."""
        tensor = self.tensor(index)
        if tensor.dtype == "float32":
            return self.constant(values)
        how = self._quantized(tensor)
        parameters = self._parameters(how, "int8" if tensor.dtype == "int4" else tensor.dtype)
        return self.emit("DequantizeLinear", [self.constant(values), *parameters], axis=axis)

    def bias(self, index: int, x: int, w: int) -> str:
        """Real value of a bias: int32, in steps of input times weight."""
        tensor = self.tensor(index)
        if tensor.data is None:
            raise ModelError("its bias must be a constant")
        if tensor.dtype == "float32":
            return self.constant(tensor.data)
        if tensor.dtype != "int32":
            raise ModelError(
                f"its bias is {tensor.dtype}, not int32: 16-bit activations are not "
                "supported, convert the model with int8 ones"
            )
        scales = [self._quantized(self.tensor(i)).scale for i in (x, w)]
        scale = scales[0] * scales[1]
        shape = scale if scale.size > 1 else scale.reshape(())
        return self.emit(
            "DequantizeLinear", [self.constant(tensor.data), self.constant(shape)], axis=0
        )

    def given(self, operator: Operator, position: int) -> bool:
        """Whether an optional input is there."""
        return position < len(operator.inputs) and operator.inputs[position] >= 0

    def finish(self, value: str, index: int, activation: int = 0) -> None:
        """Result of the operator: clipped by its fused activation, and quantized if it is."""
        if activation not in ACTIVATIONS:
            raise ModelError(
                f"its fused activation has the code {activation}: only RELU, RELU6 "
                "and RELU_N1_TO_1 are supported"
            )
        bounds = ACTIVATIONS[activation]
        if bounds is not None:
            low, high = (self.constant(np.asarray(b, np.float32)) for b in bounds)
            value = self.emit("Clip", [value, low, high])
        tensor = self.tensor(index)
        if tensor.dtype == "float32":
            self.emit("Identity", [value], stored_name(index))
            return
        parameters = self._parameters(self._quantized(tensor), tensor.dtype)
        self.emit("QuantizeLinear", [value, *parameters], stored_name(index))

    def _parameters(self, how: Quantization, dtype: str) -> list[str]:
        """Scale and zero point as inputs of Q/DQ."""
        zero = how.zero_point.astype(dtype)
        single = how.scale.size == 1
        return [self.constant(v.reshape(()) if single else v) for v in (how.scale, zero)]

    @staticmethod
    def _quantized(tensor: Tensor) -> Quantization:
        if tensor.dtype not in (*STORED, "int4") or tensor.quantization is None:
            raise ModelError(
                f"tensor {tensor.name} is {tensor.dtype}"
                + (" without a scale" if tensor.dtype in STORED else "")
                + ": quantized tensors that Tessera takes are int8 or uint8"
            )
        return tensor.quantization
