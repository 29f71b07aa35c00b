# SPDX-License-Identifier: Apache-2.0
"""Small ONNX models: quantized ones that should work, and bad ones that should be refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)

OPSET = 20
FloatArray = npt.NDArray[np.float32]


class Net:
    """Writes a float model node by node."""

    def __init__(self, shape: Sequence[int], seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self.shape = tuple(shape)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.last = "x"

    def node(self, op: str, *inputs: str, **attributes: object) -> str:
        """Append a node that reads the last result (or `inputs`)."""
        name = f"{op.lower()}{len(self.nodes)}"
        names = inputs or (self.last,)
        self.nodes.append(helper.make_node(op, list(names), [name], name=name, **attributes))
        self.last = name
        return name

    def weights(self, *shape: int) -> str:
        """Add random weights of the usual size."""
        name = f"w{len(self.constants)}"
        fan_in = int(np.prod(shape[1:])) if len(shape) > 1 else 1
        values = self.random.normal(0, (2 / fan_in) ** 0.5, shape).astype(np.float32)
        self.constants.append(numpy_helper.from_array(values, name))
        return name

    def constant(self, values: npt.NDArray[np.generic]) -> str:
        """Add a constant that is no weight."""
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(values, name))
        return name

    def conv(self, cin: int, cout: int, kernel: int = 3, **attributes: object) -> str:
        """Append a convolution with bias; "same" padding unless told otherwise."""
        groups = int(attributes.get("group", 1))  # type: ignore[call-overload]
        attributes.setdefault("pads", [kernel // 2] * 4)
        weight = self.weights(cout, cin // groups, kernel, kernel)
        bias = self.weights(cout)
        return self.node("Conv", self.last, weight, bias, **attributes)

    def dense(self, cin: int, cout: int) -> str:
        """Append a fully connected layer."""
        return self.node("Gemm", self.last, self.weights(cout, cin), self.weights(cout), transB=1)

    def save(self, path: Path, opset: int = OPSET, batch: object = None) -> Path:
        """Write the float model."""
        shape = [batch or self.shape[0], *self.shape[1:]]
        graph = helper.make_graph(
            self.nodes,
            "net",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(self.last, TensorProto.FLOAT, None)],
            self.constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
        model.ir_version = 8
        onnx.save(onnx.shape_inference.infer_shapes(model), str(path))
        return path

    def quantized(
        self,
        path: Path,
        activations: QuantType = QuantType.QInt8,
        form: QuantFormat = QuantFormat.QDQ,
    ) -> Path:
        """Write the model with int8 weights per channel and `activations` per tensor."""
        float_path = self.save(path.with_suffix(".float.onnx"))
        quantize_static(
            str(float_path),
            str(path),
            _Samples(self.shape),
            quant_format=form,
            per_channel=True,
            weight_type=QuantType.QInt8,
            activation_type=activations,
        )
        return path


class _Samples(CalibrationDataReader):
    def __init__(self, shape: tuple[int, ...]) -> None:
        random = np.random.default_rng(7)
        self._samples: Iterator[dict[str, FloatArray]] = iter(
            [{"x": random.normal(0, 1, shape).astype(np.float32)} for _ in range(4)]
        )

    def get_next(self) -> dict[str, FloatArray] | None:
        return next(self._samples, None)


def mixed_net(seed: int = 0) -> Net:
    """Convolutions with residual, depthwise, stride, pools and dense; odd sizes, batch 2."""
    net = Net((2, 3, 13, 11), seed)
    net.conv(3, 18)
    first = net.node("Relu")
    net.conv(18, 18, group=18)
    net.conv(18, 18, kernel=1)
    net.node("Add", net.last, first)
    net.node("Relu")
    net.conv(18, 21, strides=[2, 2], pads=[0, 1, 1, 0])
    net.node("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    net.conv(21, 10, dilations=[2, 2], pads=[2, 2, 2, 2])
    net.node("AveragePool", kernel_shape=[2, 2], strides=[1, 1])
    net.node("GlobalAveragePool")
    net.node("Flatten")
    net.dense(10, 7)
    return net


def gated_net(seed: int = 1) -> Net:
    """Activations of all kinds, squeeze-and-excite, products, differences; batch 2."""
    net = Net((2, 5, 9, 10), seed)
    x = net.conv(5, 20)
    x = net.node("HardSwish", x)
    net.node("GlobalAveragePool", x)
    net.conv(20, 8, kernel=1)
    net.node("Relu")
    net.conv(8, 20, kernel=1)
    gate = net.node("HardSigmoid", alpha=1 / 6, beta=0.5)
    x = net.node("Mul", x, gate)
    net.last = x
    y = net.conv(20, 20, kernel=1)
    net.node("Sigmoid", y)
    y = net.node("Mul", y, net.last)
    z = net.node("Sub", x, y)
    net.node("Mul", z, y)
    net.conv(20, 12, strides=[2, 2])
    net.node("LeakyRelu", alpha=0.1)
    net.node("Tanh")
    net.node("GlobalAveragePool")
    net.node("Flatten")
    net.dense(12, 7)
    return net


def encoder_net(seed: int = 2) -> Net:
    """A transformer encoder layer: two heads, scores and mixing of two activations."""
    length, width, heads, inner = 32, 64, 2, 96
    net = Net((1, length, width), seed)

    def dense(x: str, cin: int, cout: int) -> str:
        return net.node("Add", net.node("MatMul", x, net.weights(cin, cout)), net.weights(cout))

    def split(perm: list[int]) -> str:
        shape = net.constant(np.array([1, length, heads, width // heads]))
        parts = net.node("Reshape", dense("x", width, width), shape)
        return net.node("Transpose", parts, perm=perm)

    query, key, value = split([0, 2, 1, 3]), split([0, 2, 3, 1]), split([0, 2, 1, 3])
    scale = net.constant(np.array((width // heads) ** -0.5, np.float32))
    scores = net.node("Mul", net.node("MatMul", query, key), scale)
    mixed = net.node("MatMul", net.node("Softmax", scores, axis=-1), value)
    merged = net.node("Transpose", mixed, perm=[0, 2, 1, 3])
    rows = net.node("Reshape", merged, net.constant(np.array([1, length, width])))
    y = net.node("Add", dense(rows, width, width), "x")
    hidden = net.node("Gelu", dense(y, width, inner))
    net.node("Add", dense(hidden, inner, width), y)
    return net
