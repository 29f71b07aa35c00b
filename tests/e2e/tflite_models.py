# SPDX-License-Identifier: Apache-2.0
"""Small quantized TFLite models, written byte by byte: no TensorFlow needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
import tflite

Array = npt.NDArray[Any]
SAME, VALID = tflite.Padding.SAME, tflite.Padding.VALID
NONE, RELU, RELU6 = (
    tflite.ActivationFunctionType.NONE,
    tflite.ActivationFunctionType.RELU,
    tflite.ActivationFunctionType.RELU6,
)
TYPES = {
    "int8": tflite.TensorType.INT8,
    "int32": tflite.TensorType.INT32,
    "float32": tflite.TensorType.FLOAT32,
    "int16": tflite.TensorType.INT16,
}
SPREAD = 45.0
"""Standard deviation of activations, in steps, that scales are chosen for."""


@dataclass(frozen=True)
class Activation:
    """A tensor that an operator gives."""

    index: int
    shape: tuple[int, ...]
    scale: float
    zero: int


class TfliteNet:
    """Writes a quantized network operator by operator, with seeded weights and scales."""

    def __init__(self, shape: Sequence[int], seed: int = 0, dtype: str = "int8") -> None:
        self.random = np.random.default_rng(seed)
        self.builder = flatbuffers.Builder(1024)
        self.buffers: list[bytes] = [b""]
        self.tensors: list[int] = []
        self.codes: list[int] = []
        self.operators: list[int] = []
        self.input = self.activation(shape, 0.04, dtype=dtype)
        self.outputs: list[int] = []

    # Tensors.

    def _vector(self, values: Array) -> int:
        return int(self.builder.CreateNumpyVector(values))

    def _tensor(
        self,
        shape: Sequence[int],
        dtype: str,
        data: bytes | None,
        scale: Sequence[float] = (),
        zero: Sequence[int] = (),
        axis: int = 0,
    ) -> int:
        b, buffer = self.builder, 0
        if data is not None:
            buffer = len(self.buffers)
            self.buffers.append(data)
        name = b.CreateString(f"tensor{len(self.tensors)}")
        sizes = self._vector(np.asarray(shape, np.int32))
        quantization = 0
        if len(scale):
            scales = self._vector(np.asarray(scale, np.float32))
            zeros = self._vector(np.asarray(zero, np.int64))
            tflite.QuantizationParametersStart(b)
            tflite.QuantizationParametersAddScale(b, scales)
            tflite.QuantizationParametersAddZeroPoint(b, zeros)
            tflite.QuantizationParametersAddQuantizedDimension(b, axis)
            quantization = tflite.QuantizationParametersEnd(b)
        tflite.TensorStart(b)
        tflite.TensorAddShape(b, sizes)
        tflite.TensorAddType(b, TYPES[dtype])
        tflite.TensorAddBuffer(b, buffer)
        tflite.TensorAddName(b, name)
        if quantization:
            tflite.TensorAddQuantization(b, quantization)
        self.tensors.append(tflite.TensorEnd(b))
        return len(self.tensors) - 1

    def activation(
        self, shape: Sequence[int], scale: float, zero: int | None = None, dtype: str = "int8"
    ) -> Activation:
        """A tensor without values; a random zero point unless one is given."""
        point = int(self.random.integers(-40, 41)) if zero is None else zero
        single = float(np.float32(scale))
        quantized = ([single], [point]) if dtype != "float32" else ((), ())
        index = self._tensor(shape, dtype, None, *quantized)
        return Activation(index, tuple(shape), single, point)

    def constant(self, values: Array) -> int:
        """A plain constant."""
        return self._tensor(values.shape, values.dtype.name, values.tobytes())

    def weights(self, shape: Sequence[int], axis: int, per_channel: bool) -> tuple[int, Array]:
        """Random int8 weights; (tensor, scales)."""
        values = self.random.integers(-127, 128, shape).astype(np.int8)
        count = shape[axis] if per_channel else 1
        scales = self.random.uniform(0.002, 0.02, count).astype(np.float32)
        zeros = [0] * count
        return self._tensor(shape, "int8", values.tobytes(), scales, zeros, axis), scales

    def bias(self, count: int, steps: float, scales: Array) -> int:
        """A random int32 bias of about `steps`."""
        values = self.random.normal(0, steps, count).astype(np.int32)
        return self._tensor([count], "int32", values.tobytes(), scales, [0] * scales.size)

    # Operators.

    def operator(
        self, code: int, inputs: Sequence[int], output: int, kind: int = 0, options: int = 0
    ) -> None:
        """Append an operator."""
        b = self.builder
        if code not in self.codes:
            self.codes.append(code)
        ins = self._vector(np.asarray(inputs, np.int32))
        outs = self._vector(np.asarray([output], np.int32))
        tflite.OperatorStart(b)
        tflite.OperatorAddOpcodeIndex(b, self.codes.index(code))
        tflite.OperatorAddInputs(b, ins)
        tflite.OperatorAddOutputs(b, outs)
        if options:
            tflite.OperatorAddBuiltinOptionsType(b, kind)
            tflite.OperatorAddBuiltinOptions(b, options)
        self.operators.append(tflite.OperatorEnd(b))

    def options(self, name: str, **fields: float) -> tuple[int, int]:
        """(type, table) of an operator's options."""
        getattr(tflite, f"{name}Start")(self.builder)
        for field, value in fields.items():
            getattr(tflite, f"{name}Add{field}")(self.builder, value)
        return getattr(tflite.BuiltinOptions, name), getattr(tflite, f"{name}End")(self.builder)

    def _scaled(self, x: Activation, scales: Array, fan_in: int) -> float:
        """Scale of an output that spreads over int8."""
        return float(x.scale * scales.mean() * fan_in**0.5 * SPREAD * 73 / SPREAD)

    def conv(
        self,
        x: Activation,
        channels: int,
        kernel: int | tuple[int, int] = 3,
        stride: int = 1,
        padding: int = SAME,
        activation: int = NONE,
        dilation: int = 1,
        depthwise: bool = False,
        per_channel: bool = True,
    ) -> Activation:
        """CONV_2D, or DEPTHWISE_CONV_2D to `channels`."""
        n, h, w, cin = x.shape
        size = (kernel, kernel) if isinstance(kernel, int) else kernel
        shape = (1, *size, channels) if depthwise else (channels, *size, cin)
        weights, scales = self.weights(shape, 3 if depthwise else 0, per_channel)
        fan_in = size[0] * size[1] * (1 if depthwise else cin)
        bias = self.bias(channels, 2000 * fan_in**0.5, np.float32(x.scale) * scales)
        reach = [(k - 1) * dilation + 1 for k in size]
        valid = [-(-(s - r + 1) // stride) for s, r in zip((h, w), reach, strict=True)]
        out = [-(-s // stride) for s in (h, w)] if padding == SAME else valid
        y = self.activation((n, *out, channels), self._scaled(x, scales, fan_in))
        fields = {
            "Padding": padding,
            "StrideH": stride,
            "StrideW": stride,
            "DilationHFactor": dilation,
            "DilationWFactor": dilation,
            "FusedActivationFunction": activation,
        }
        if depthwise:
            fields["DepthMultiplier"] = channels // cin
        name = "DepthwiseConv2DOptions" if depthwise else "Conv2DOptions"
        codes = tflite.BuiltinOperator
        code = codes.DEPTHWISE_CONV_2D if depthwise else codes.CONV_2D
        options = self.options(name, **fields)
        self.operator(code, [x.index, weights, bias], y.index, *options)
        return y

    def dense(
        self, x: Activation, channels: int, activation: int = NONE, per_channel: bool = False
    ) -> Activation:
        """FULLY_CONNECTED."""
        fan_in = int(np.prod(x.shape[1:]))
        weights, scales = self.weights((channels, fan_in), 0, per_channel)
        bias = self.bias(channels, 2000 * fan_in**0.5, np.float32(x.scale) * scales)
        y = self.activation((x.shape[0], channels), self._scaled(x, scales, fan_in))
        options = self.options("FullyConnectedOptions", FusedActivationFunction=activation)
        code = tflite.BuiltinOperator.FULLY_CONNECTED
        self.operator(code, [x.index, weights, bias], y.index, *options)
        return y

    def binary(self, op: str, a: Activation, b: Activation, activation: int = NONE) -> Activation:
        """ADD, SUB or MUL."""
        scale = a.scale * b.scale * 70 if op == "Mul" else max(a.scale, b.scale) * 1.3
        y = self.activation(a.shape, scale)
        options = self.options(f"{op}Options", FusedActivationFunction=activation)
        code = getattr(tflite.BuiltinOperator, op.upper())
        self.operator(code, [a.index, b.index], y.index, *options)
        return y

    def pool(
        self, op: str, x: Activation, kernel: int, stride: int, padding: int = VALID
    ) -> Activation:
        """AVERAGE or MAX pool: it keeps scale and zero point."""
        n, h, w, c = x.shape
        out = [(s - kernel) // stride + 1 if padding == VALID else -(-s // stride) for s in (h, w)]
        y = self.activation((n, *out, c), x.scale, x.zero)
        options = self.options(
            "Pool2DOptions",
            Padding=padding,
            StrideH=stride,
            StrideW=stride,
            FilterHeight=kernel,
            FilterWidth=kernel,
        )
        code = getattr(tflite.BuiltinOperator, f"{op}_POOL_2D")
        self.operator(code, [x.index], y.index, *options)
        return y

    def mean(self, x: Activation, *, keep: bool = False, factor: float = 0.4) -> Activation:
        """Mean over the image."""
        axes = self.constant(np.asarray([1, 2], np.int32))
        n, _, _, c = x.shape
        y = self.activation((n, 1, 1, c) if keep else (n, c), x.scale * factor)
        options = self.options("ReducerOptions", KeepDims=keep)
        self.operator(tflite.BuiltinOperator.MEAN, [x.index, axes], y.index, *options)
        return y

    def reshape(self, x: Activation, shape: Sequence[int]) -> Activation:
        """RESHAPE."""
        y = self.activation(shape, x.scale, x.zero)
        sizes = self.constant(np.asarray(shape, np.int32))
        self.operator(tflite.BuiltinOperator.RESHAPE, [x.index, sizes], y.index)
        return y

    def pad(self, x: Activation, amounts: Sequence[Sequence[int]]) -> Activation:
        """PAD with zeros."""
        shape = [s + a + b for s, (a, b) in zip(x.shape, amounts, strict=True)]
        y = self.activation(shape, x.scale, x.zero)
        table = self.constant(np.asarray(amounts, np.int32))
        self.operator(tflite.BuiltinOperator.PAD, [x.index, table], y.index)
        return y

    def unary(
        self, code: str, x: Activation, scale: float, zero: int, options: tuple[int, int] = (0, 0)
    ) -> Activation:
        """An operator of one tensor that keeps the shape."""
        y = self.activation(x.shape, scale, zero)
        self.operator(getattr(tflite.BuiltinOperator, code), [x.index], y.index, *options)
        return y

    # The file.

    def _tables(self, start: Callable[..., object], offsets: Sequence[int]) -> int:
        start(self.builder, len(offsets))
        for offset in reversed(offsets):
            self.builder.PrependUOffsetTRelative(offset)
        return int(self.builder.EndVector())

    def to_bytes(self, *outputs: Activation) -> bytes:
        """The file."""
        b = self.builder
        codes = []
        for code in self.codes:
            tflite.OperatorCodeStart(b)
            tflite.OperatorCodeAddDeprecatedBuiltinCode(b, min(code, 127))
            tflite.OperatorCodeAddBuiltinCode(b, code)
            tflite.OperatorCodeAddVersion(b, 1)
            codes.append(tflite.OperatorCodeEnd(b))
        buffers = []
        for data in self.buffers:
            content = self._vector(np.frombuffer(data, np.uint8)) if data else 0
            tflite.BufferStart(b)
            if content:
                tflite.BufferAddData(b, content)
            buffers.append(tflite.BufferEnd(b))
        inputs = self._vector(np.asarray([self.input.index], np.int32))
        results = self._vector(np.asarray([y.index for y in outputs], np.int32))
        tensors = self._tables(tflite.SubGraphStartTensorsVector, self.tensors)
        operators = self._tables(tflite.SubGraphStartOperatorsVector, self.operators)
        tflite.SubGraphStart(b)
        tflite.SubGraphAddTensors(b, tensors)
        tflite.SubGraphAddInputs(b, inputs)
        tflite.SubGraphAddOutputs(b, results)
        tflite.SubGraphAddOperators(b, operators)
        graph = tflite.SubGraphEnd(b)
        graphs = self._tables(tflite.ModelStartSubgraphsVector, [graph])
        table = self._tables(tflite.ModelStartOperatorCodesVector, codes)
        kept = self._tables(tflite.ModelStartBuffersVector, buffers)
        tflite.ModelStart(b)
        tflite.ModelAddVersion(b, 3)
        tflite.ModelAddOperatorCodes(b, table)
        tflite.ModelAddSubgraphs(b, graphs)
        tflite.ModelAddBuffers(b, kept)
        b.Finish(tflite.ModelEnd(b), file_identifier=b"TFL3")
        return bytes(b.Output())


def cnn(seed: int = 0) -> bytes:
    """Convolutions with a residual, depthwise, pools, mean and a dense layer."""
    net = TfliteNet((1, 12, 12, 3), seed)
    a = net.conv(net.input, 16, activation=RELU)
    b = net.conv(net.conv(a, 16, activation=RELU6), 16)
    c = net.binary("Add", a, b, RELU)
    d = net.conv(net.pool("MAX", c, 2, 2), 16, depthwise=True, activation=RELU)
    e = net.pool("AVERAGE", d, 2, 2)
    f = net.mean(net.conv(e, 24, 1), factor=0.5)
    return net.to_bytes(net.dense(f, 10))


def autoencoder(seed: int = 1) -> bytes:
    """Dense layers only."""
    net = TfliteNet((1, 40), seed)
    x = net.dense(net.input, 32, RELU)
    x = net.dense(net.dense(x, 8, RELU), 32, RELU, per_channel=True)
    return net.to_bytes(net.dense(x, 40))
