# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tflite
from tflite_micro.python.tflite_micro import runtime

from accel.errors import ModelError
from accel.isa import Rounding
from codegen.frontend.integerize import integerize
from codegen.frontend.onnx_import import Imported, import_onnx
from codegen.frontend.tflite.convert import CONVERTERS
from sim.compare import run_host
from tests.e2e.tflite_models import RELU6, SAME, VALID, Activation, TfliteNet, autoencoder, cnn

pytestmark = pytest.mark.usefixtures("quick_host_code")

Build = Callable[[TfliteNet], Activation]


def imported(folder: Path, data: bytes) -> Imported:
    path = folder / "net.tflite"
    path.write_bytes(data)
    return import_onnx(path)


def executed(folder: Path, data: bytes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The float QDQ form and the twice rounded form on TVM's host, and TFLite-Micro."""
    interpreter = runtime.Interpreter.from_bytes(data)
    facts = interpreter.get_input_details(0)
    x = np.random.default_rng(3).integers(-128, 128, facts["shape"]).astype(facts["dtype"])
    interpreter.set_input(x, 0)
    interpreter.invoke()
    module = imported(folder, data).module
    integer, _ = integerize(module, Rounding.DOUBLE)
    return run_host(module, [x])[0], run_host(integer, [x])[0], interpreter.get_output(0)


def transposed_conv(net: TfliteNet) -> Activation:
    x = net.input
    weights, scales = net.weights((5, 3, 3, 3), 0, per_channel=True)
    out = (1, 12, 14, 5)
    sizes = net.constant(np.asarray(out, np.int32))
    bias = net.bias(5, 4000, np.float32(x.scale) * scales)
    y = net.activation(out, x.scale * float(scales.mean()) * 400)
    options = net.options("TransposeConvOptions", Padding=SAME, StrideH=2, StrideW=2)
    code = tflite.BuiltinOperator.TRANSPOSE_CONV
    net.operator(code, [sizes, weights, x.index, bias], y.index, *options)
    return y


def concatenated(net: TfliteNet) -> Activation:
    x = net.input
    y = net.activation((1, 6, 7, 6), x.scale, x.zero)
    options = net.options("ConcatenationOptions", Axis=3)
    net.operator(tflite.BuiltinOperator.CONCATENATION, [x.index, x.index], y.index, *options)
    return y


def transposed(net: TfliteNet) -> Activation:
    x = net.input
    y = net.activation((1, 7, 3, 6), x.scale, x.zero)
    axes = net.constant(np.asarray([0, 2, 3, 1], np.int32))
    net.operator(tflite.BuiltinOperator.TRANSPOSE, [x.index, axes], y.index)
    return y


def resized(net: TfliteNet) -> Activation:
    x = net.input
    y = net.activation((1, 12, 14, 3), x.scale, x.zero)
    sizes = net.constant(np.asarray([12, 14], np.int32))
    options = net.options("ResizeNearestNeighborOptions", HalfPixelCenters=False)
    code = tflite.BuiltinOperator.RESIZE_NEAREST_NEIGHBOR
    net.operator(code, [x.index, sizes], y.index, *options)
    return y


def sliced(net: TfliteNet) -> Activation:
    x = net.input
    y = net.activation((1, 3, 6, 2), x.scale, x.zero)
    bounds = [
        net.constant(np.asarray(v, np.int32)) for v in ([0, 1, 0, 0], [1, 6, -1, 2], [1, 2, 1, 1])
    ]
    options = net.options("StridedSliceOptions", BeginMask=0)
    net.operator(tflite.BuiltinOperator.STRIDED_SLICE, [x.index, *bounds], y.index, *options)
    return y


def reshaped(net: TfliteNet) -> Activation:
    return net.reshape(net.input, (1, 3, 14, 3))


def flattened(net: TfliteNet) -> Activation:
    return net.dense(net.reshape(net.conv(net.input, 4), (1, 168)), 9)


def image_to_dense(net: TfliteNet) -> Activation:
    return net.dense(net.conv(net.input, 4), 9)


def padded_conv(net: TfliteNet) -> Activation:
    padded = net.pad(net.input, [(0, 0), (1, 2), (0, 1), (0, 0)])
    return net.conv(padded, 6, padding=VALID, stride=2)


def padded_only(net: TfliteNet) -> Activation:
    return net.pad(net.input, [(0, 0), (1, 2), (0, 1), (1, 0)])


def gate(net: TfliteNet) -> Activation:
    return net.binary("Mul", net.conv(net.input, 3), net.input)


def leaky(net: TfliteNet) -> Activation:
    options = net.options("LeakyReluOptions", Alpha=0.1)
    return net.unary("LEAKY_RELU", net.input, net.input.scale, -30, options)


def softmax(net: TfliteNet) -> Activation:
    options = net.options("SoftmaxOptions", Beta=1.0)
    return net.unary("SOFTMAX", net.input, 1 / 256, -128, options)


CASES: dict[str, tuple[Build, int]] = {
    "conv": (lambda n: n.conv(n.input, 8, (3, 2), 2, activation=RELU6), 1),
    "conv valid dilated": (lambda n: n.conv(n.input, 8, padding=VALID, dilation=2), 1),
    "conv per tensor": (lambda n: n.conv(n.input, 8, per_channel=False), 1),
    "depthwise": (lambda n: n.conv(n.input, 3, depthwise=True), 1),
    "depthwise multiplier": (lambda n: n.conv(n.input, 6, depthwise=True, stride=2), 1),
    "flatten dense": (flattened, 1),
    "dense of an image": (image_to_dense, 1),
    "add": (lambda n: n.binary("Add", n.conv(n.input, 3), n.input), 1),
    "sub": (lambda n: n.binary("Sub", n.input, n.conv(n.input, 3)), 1),
    "mul": (gate, 1),
    "average pool": (lambda n: n.pool("AVERAGE", n.input, 2, 2), 1),
    "average pool same": (lambda n: n.pool("AVERAGE", n.input, 3, 1, SAME), 1),
    "max pool": (lambda n: n.pool("MAX", n.input, 3, 2, SAME), 0),
    "mean": (lambda n: n.mean(n.input), 1),
    "mean kept": (lambda n: n.mean(n.input, keep=True), 1),
    "reshape": (reshaped, 0),
    "transpose": (transposed, 0),
    "concatenation": (concatenated, 0),
    "resize": (resized, 0),
    "slice": (sliced, 0),
    "pad conv": (padded_conv, 1),
    "pad": (padded_only, 0),
    "transposed conv": (transposed_conv, 1),
    "relu": (lambda n: n.unary("RELU", n.input, n.input.scale * 0.7, -128), 1),
    "hard swish": (lambda n: n.unary("HARD_SWISH", n.input, n.input.scale * 0.7, -100), 1),
    "leaky relu": (leaky, 1),
    "logistic": (lambda n: n.unary("LOGISTIC", n.input, 1 / 256, -128), 1),
    "tanh": (lambda n: n.unary("TANH", n.input, 1 / 128, 0), 1),
    "softmax": (softmax, 1),
    "quantize": (lambda n: n.unary("QUANTIZE", n.input, 0.03, 5), 1),
}
"""A network, and by how much its float form may differ from TFLite-Micro's integers."""
NEARLY = ("hard swish", "softmax")
"""Those whose form with two roundings may differ as well."""


@pytest.mark.parametrize("name", CASES)
def test_operators_mean_what_tflite_micro_computes(tmp_path: Path, name: str) -> None:
    build, most = CASES[name]
    net = TfliteNet((1, 6, 7, 3), seed=len(name))
    ours, exact, golden = executed(tmp_path, net.to_bytes(build(net)))
    assert (ours.shape, ours.dtype) == (golden.shape, golden.dtype)
    assert np.unique(golden).size > 2
    assert np.abs(ours.astype(int) - golden.astype(int)).max() <= most
    assert np.array_equal(exact, golden) or name in NEARLY


def test_nodes_are_the_operators(tmp_path: Path) -> None:
    found = imported(tmp_path, cnn())
    assert found.nodes[:4] == ("CONV_2D_0", "CONV_2D_1", "CONV_2D_2", "ADD_3")
    assert found.model.graph.node[9].op_type == "FULLY_CONNECTED"


def test_float_borders(tmp_path: Path) -> None:
    """QUANTIZE at the input and DEQUANTIZE at the output, as converters leave them."""
    net = TfliteNet((1, 4, 4, 3), dtype="float32")
    x = net.activation((1, 4, 4, 3), 0.02, 3)
    net.operator(tflite.BuiltinOperator.QUANTIZE, [net.input.index], x.index)
    y = net.mean(net.conv(x, 4))
    out = net.activation(y.shape, 1, dtype="float32")
    net.operator(tflite.BuiltinOperator.DEQUANTIZE, [y.index], out.index)
    ours, exact, golden = executed(tmp_path, net.to_bytes(out))
    assert ours.dtype == np.float32
    assert np.abs(ours - golden).max() <= np.float32(y.scale) * 1.001
    assert np.array_equal(exact, golden)


def test_unknown_operators_are_named(tmp_path: Path) -> None:
    net = TfliteNet((1, 4, 4, 3))
    y = net.unary("CEIL", net.conv(net.input, 3), 0.1, 0)
    with pytest.raises(ModelError, match=r"operator 1 is CEIL, which .* imports ADD, AVERAGE"):
        imported(tmp_path, net.to_bytes(y))
    assert "CEIL" not in CONVERTERS


def test_uses_that_are_not_supported_are_named(tmp_path: Path) -> None:
    net = TfliteNet((1, 4, 4, 3))
    wide = net.activation((1, 4, 4, 3), 0.1, 0, dtype="int16")
    net.operator(tflite.BuiltinOperator.QUANTIZE, [net.input.index], wide.index)
    with pytest.raises(ModelError, match=r"operator 0 \(QUANTIZE\): tensor .* is int16"):
        imported(tmp_path, net.to_bytes(wide))


def test_float_models_are_refused(tmp_path: Path) -> None:
    net = TfliteNet((1, 4), dtype="float32")
    y = net.activation((1, 4), 1, dtype="float32")
    net.operator(tflite.BuiltinOperator.LOGISTIC, [net.input.index], y.index)
    with pytest.raises(ModelError, match="a float model, nothing in it is quantized"):
        imported(tmp_path, net.to_bytes(y))


@pytest.mark.parametrize("damage", ["no", "cut", "magic"])
def test_damaged_files_are_refused(tmp_path: Path, damage: str) -> None:
    data = autoencoder()
    path = tmp_path / "bad.tflite"
    if damage != "no":
        path.write_bytes(data[:60] if damage == "cut" else data[:4] + b"TFL2" + data[8:])
    match = {"no": "no such file", "cut": "not a valid TFLite", "magic": "not a TFLite model"}
    with pytest.raises(ModelError, match=match[damage]):
        import_onnx(path)
