# SPDX-License-Identifier: Apache-2.0
"""A small writer of ONNX graphs: one method per operator, one chain of values.

builder = GraphBuilder("net", {"input": (1, 3, 32, 32)})
x = builder.relu(builder.conv("conv1", "input", weight, bias, pads=(1, 1, 1, 1)))
model = builder.finish({"output": builder.flatten(x)})
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, shape_inference

from models.network import FloatArray

OPSET = 17
"""Of the models we write; onnxruntime and TVM agree on it (any up to 21 would do)."""
IR_VERSION = 10
"""The newest that every onnxruntime we pin reads."""

Pads = tuple[int, int, int, int]
"""Top, left, bottom, right."""
NO_PADS: Pads = (0, 0, 0, 0)


class GraphBuilder:
    """Collects nodes and weights; every method returns the name of the value it made."""

    def __init__(self, name: str, inputs: Mapping[str, Sequence[int]]) -> None:
        self._name = name
        self._inputs = inputs
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []

    def conv(
        self,
        name: str,
        x: str,
        weight: FloatArray,
        bias: FloatArray,
        *,
        stride: int = 1,
        pads: Pads = NO_PADS,
        groups: int = 1,
    ) -> str:
        """Convolution of [N, C, H, W] with [O, C / groups, KH, KW]."""
        operands = [x, self._weight(f"{name}.weight", weight), self._weight(f"{name}.bias", bias)]
        return self._node(
            "Conv",
            name,
            operands,
            kernel_shape=list(weight.shape[2:]),
            strides=[stride, stride],
            pads=list(pads),
            group=groups,
        )

    def gemm(self, name: str, x: str, weight: FloatArray, bias: FloatArray) -> str:
        """Dense layer of `x` [N, I] with `weight` [O, I]."""
        operands = [x, self._weight(f"{name}.weight", weight), self._weight(f"{name}.bias", bias)]
        return self._node("Gemm", name, operands, transB=1)

    def relu(self, x: str) -> str:
        """Rectifier."""
        return self._node("Relu", f"{x}.relu", [x])

    def relu6(self, x: str) -> str:
        """Clip to 0 ... 6."""
        bounds = [self.constant(f"{x}.relu6.{bound}", bound) for bound in (0.0, 6.0)]
        return self._node("Clip", f"{x}.relu6", [x, *bounds])

    def add(self, name: str, a: str, b: str) -> str:
        """Elementwise sum."""
        return self._node("Add", name, [a, b])

    def max_pool(
        self, name: str, x: str, size: int, *, stride: int | None = None, pads: Pads = NO_PADS
    ) -> str:
        """Maximum of `size` × `size` windows, which do not overlap without a `stride`."""
        step = stride or size
        return self._node(
            "MaxPool",
            name,
            [x],
            kernel_shape=[size, size],
            strides=[step, step],
            pads=list(pads),
        )

    def average_pool(self, name: str, x: str, size: int) -> str:
        """Average of `size` × `size` windows that do not overlap."""
        return self._node("AveragePool", name, [x], kernel_shape=[size, size], strides=[size, size])

    def global_average_pool(self, name: str, x: str) -> str:
        """Average over all pixels, [N, C, 1, 1]."""
        return self._node("GlobalAveragePool", name, [x])

    def flatten(self, x: str) -> str:
        """All but the batch axis as one."""
        return self._node("Flatten", f"{x}.flat", [x], axis=1)

    def constant(self, name: str, value: float) -> str:
        """A number."""
        return self._weight(name, np.asarray(value, np.float32))

    def integers(self, name: str, values: Sequence[int]) -> str:
        """A list of numbers, for instance a shape."""
        self._weights.append(numpy_helper.from_array(np.array(values, np.int64), name))
        return name

    def finish(self, outputs: Mapping[str, str]) -> onnx.ModelProto:
        """The checked model; `outputs` maps output names to values."""
        nodes = [*self._nodes]
        for output, value in outputs.items():
            nodes.append(helper.make_node("Identity", [value], [output], name=output))
        graph = helper.make_graph(
            nodes,
            self._name,
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))
                for name, shape in self._inputs.items()
            ],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
            initializer=self._weights,
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="tessera"
        )
        model.ir_version = IR_VERSION
        model = shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
        onnx.checker.check_model(model)
        return model

    def _weight(self, name: str, value: FloatArray) -> str:
        self._weights.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name

    def _node(
        self, kind: str, name: str, operands: list[str], **attributes: int | list[int]
    ) -> str:
        node = helper.make_node(kind, operands, [name], name=name)
        for attribute, value in attributes.items():
            node.attribute.append(helper.make_attribute(attribute, value))
        self._nodes.append(node)
        return name
