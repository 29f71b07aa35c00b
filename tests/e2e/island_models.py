# SPDX-License-Identifier: Apache-2.0
"""Quantized models as other exporters than onnxruntime write them: Q/DQ only where asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
Array = npt.NDArray[np.generic]


class Islands:
    """A float model node by node; `q` puts QuantizeLinear and DequantizeLinear behind a value."""

    def __init__(self, *shape: int, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self.shape = shape
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, Array] = {}
        self._weights: dict[str, int] = {}
        self._quantized: list[str] = []
        self.last = "x"

    def node(self, op: str, *inputs: str, **attributes: object) -> str:
        """Append a node; returns the name of its result."""
        name = f"{op.lower()}{len(self._nodes)}"
        self._nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))
        self.last = name
        return name

    def q(self, value: str) -> str:
        """Quantize a value; those that read it from now on read it dequantized."""
        self._quantized.append(value)
        name = f"{value}_dq"
        self._nodes.append(helper.make_node("Identity", [value], [name], name=f"quantized_{value}"))
        self.last = name
        return name

    def constant(self, values: object, dtype: type = np.float32) -> str:
        """A constant."""
        name = f"c{len(self._constants)}"
        self._constants[name] = np.asarray(values, dtype)
        return name

    def vector(self, *shape: int, low: float = 0.5, high: float = 1.5) -> str:
        """A constant of uniform values."""
        return self.constant(self.random.uniform(low, high, shape))

    def weight(self, *shape: int, axis: int = 0) -> str:
        """int8 weights with a scale per index of `axis`."""
        fan_in = int(np.prod(shape)) // shape[axis]
        name = self.constant(self.random.normal(0, (2 / fan_in) ** 0.5, shape))
        self._weights[name] = axis
        return name

    def conv(self, x: str, cin: int, cout: int, *kernel: int, **attributes: object) -> str:
        """A convolution with bias."""
        groups = int(attributes.get("group", 1))  # type: ignore[call-overload]
        weight = self.weight(cout, cin // groups, *kernel)
        return self.node("Conv", x, weight, self.vector(cout, low=-0.5), **attributes)

    def norm(self, x: str, channels: int) -> str:
        """A batch norm."""
        parameters = [self.vector(channels) for _ in range(4)]
        return self.node("BatchNormalization", x, *parameters)

    def save(self, path: Path) -> Path:
        """Write the model, with scales from the values of a random input."""
        ranges = self._ranges(path)
        constants = dict(self._constants)
        nodes = []
        for name, axis in self._weights.items():
            nodes.append(_quantized_weight(name, axis, constants))
        for node in self._nodes:
            if node.op_type != "Identity":
                nodes.append(node)
                continue
            low, high = ranges[node.input[0]]
            nodes += _quantized(node.input[0], node.output[0], low, high, constants)
        for node in nodes:
            for index, name in enumerate(node.input):
                if name in self._weights and node.op_type != "DequantizeLinear":
                    node.input[index] = f"{name}_dq"
        return self._write(path, nodes, constants, [self.last])

    def _write(
        self,
        path: Path,
        nodes: list[onnx.NodeProto],
        constants: dict[str, Array],
        outputs: Sequence[str],
    ) -> Path:
        graph = helper.make_graph(
            nodes,
            "islands",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shape)],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
            [numpy_helper.from_array(values, name) for name, values in constants.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
        model.ir_version = 8
        onnx.save(onnx.shape_inference.infer_shapes(model), str(path))
        return path

    def _ranges(self, path: Path) -> dict[str, tuple[float, float]]:
        """Smallest and largest value of everything that is quantized."""
        names = sorted(set(self._quantized) - {"x"})
        x = np.random.default_rng(3).normal(0, 1, self.shape).astype(np.float32)
        values = {"x": x}
        if names:
            file = self._write(path.with_suffix(".float.onnx"), self._nodes, self._constants, names)
            session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
            values |= dict(zip(names, session.run(None, {"x": x}), strict=True))
        return {name: (float(v.min()), float(v.max())) for name, v in values.items()}


def _quantized_weight(name: str, axis: int, constants: dict[str, Array]) -> onnx.NodeProto:
    values = np.asarray(constants.pop(name), np.float64)
    others = tuple(a for a in range(values.ndim) if a != axis)
    scale = np.abs(values).max(axis=others, keepdims=True) / 127
    constants[f"{name}_int8"] = np.rint(values / scale).astype(np.int8)
    constants[f"{name}_scale"] = scale.reshape(-1).astype(np.float32)
    constants[f"{name}_zero"] = np.zeros(scale.size, np.int8)
    inputs = [f"{name}_int8", f"{name}_scale", f"{name}_zero"]
    return helper.make_node("DequantizeLinear", inputs, [f"{name}_dq"], name=name, axis=axis)


def _quantized(
    value: str, result: str, low: float, high: float, constants: dict[str, Array]
) -> list[onnx.NodeProto]:
    low, high = min(low, 0.0), max(high, 1e-3)
    scale = (high - low) / 255
    parameters = [f"{value}_scale", f"{value}_zero"]
    constants[parameters[0]] = np.asarray(scale, np.float32)
    constants[parameters[1]] = np.asarray(np.clip(round(-128 - low / scale), -128, 127), np.int8)
    integer = f"{value}_q"
    return [
        helper.make_node("QuantizeLinear", [value, *parameters], [integer], name=f"{value}_Q"),
        helper.make_node("DequantizeLinear", [integer, *parameters], [result], name=f"{value}_DQ"),
    ]


def unfolded_norm_net() -> Islands:
    """Convolutions with batch norms behind them, as quantization-aware training exports them."""
    net = Islands(1, 3, 12, 12)
    x = net.q(net.node("Relu", net.norm(net.conv(net.q("x"), 3, 16, 3, 3, pads=[1] * 4), 16)))
    y = net.q(net.norm(net.conv(x, 16, 16, 3, 3, pads=[1] * 4, group=16), 16))
    y = net.norm(net.node("Conv", y, net.weight(16, 16, 1, 1)), 16)
    x = net.q(net.node("Relu", net.node("Add", net.q(y), x)))
    x = net.q(net.node("Flatten", net.q(net.node("GlobalAveragePool", x))))
    net.q(net.node("Gemm", x, net.weight(10, 16), net.vector(10), transB=1, alpha=0.5, beta=2.0))
    return net


def channels_last_net() -> Islands:
    """Images [N, H, W, C] with a transpose before and behind each convolution."""
    net = Islands(1, 12, 12, 3)

    def conv(x: str, cin: int, cout: int, *kernel: int, **attributes: object) -> str:
        image = net.node("Transpose", x, perm=[0, 3, 1, 2])
        image = net.node("Conv", image, net.weight(cout, cin, *kernel), **attributes)
        rows = net.node("Transpose", image, perm=[0, 2, 3, 1])
        return net.node("Add", rows, net.vector(cout, low=-0.5))

    x = net.q(net.node("Relu", conv(net.q("x"), 3, 16, 3, 3, pads=[1] * 4)))
    y = net.q(net.node("Relu", conv(x, 16, 16, 3, 3, pads=[1] * 4)))
    x = net.q(net.node("Add", net.q(conv(y, 16, 16, 1, 1)), x))
    x = net.node("Relu", x)
    x = net.q(net.node("MatMul", net.q(x), net.weight(16, 24, axis=1)))
    x = net.q(net.node("ReduceMean", x, axes=[1, 2], keepdims=0))
    net.q(net.node("MatMul", x, net.weight(24, 10, axis=1)))
    return net


def sequence_net() -> Islands:
    """1-D convolutions with a residual, pooling, mean; a 1x1 one between transposes."""
    net = Islands(2, 6, 32)
    x = net.q(net.node("Relu", net.norm(net.conv(net.q("x"), 6, 16, 5, pads=[2, 2]), 16)))
    y = net.q(net.node("Relu", net.conv(x, 16, 16, 3, pads=[2, 2], dilations=[2])))
    y = net.q(net.conv(y, 16, 16, 3, pads=[1, 1], group=16))
    x = net.q(net.node("Relu", net.node("Add", y, x)))
    x = net.q(net.node("MaxPool", x, kernel_shape=[2], strides=[2]))
    x = net.q(net.node("Sigmoid", net.q(net.conv(x, 16, 24, 3, strides=[2]))))
    x = net.q(net.node("GlobalAveragePool", x))
    x = net.q(net.node("Flatten", x))
    net.q(net.node("Gemm", x, net.weight(9, 24), net.vector(9), transB=1))
    return net


def wide_kernel_net() -> Islands:
    """Kernels wider than a row of weights may be, in one and in two dimensions."""
    net = Islands(1, 2, 400)
    x = net.q(net.node("Relu", net.conv(net.q("x"), 2, 16, 150, strides=[2], pads=[70, 75])))
    x = net.node("Reshape", x, net.constant([1, 16, 2, 99], np.int64))
    x = net.q(net.conv(net.q(x), 16, 8, 3, 130, pads=[1, 65, 1, 70]))
    net.q(net.node("GlobalAveragePool", x))
    return net
