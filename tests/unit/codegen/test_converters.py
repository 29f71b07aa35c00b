# SPDX-License-Identifier: Apache-2.0
"""Converters of our own, beyond what the backend tests in tests/conformance cover."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from accel.errors import ModelError
from codegen.frontend.float_codes import float_codes
from codegen.frontend.onnx_import import import_model
from sim.compare import run_host
from tests.unit.codegen.onnx_nodes import Kind, both, model_of

pytestmark = pytest.mark.usefixtures("quick_host_code")

RANDOM = np.random.default_rng(3)


@pytest.mark.parametrize("low", [0.0, 3.0, -1.0])
def test_dynamic_quantization(low: float) -> None:
    """Of zeros (where the scale would be 0), of positive values and of mixed ones."""
    x = np.linspace(low, 4 * abs(low), 12, dtype=np.float32).reshape(3, 4)
    node = helper.make_node("DynamicQuantizeLinear", ["x"], ["y", "scale", "zero"])
    for got, exact in zip(*both(model_of(node, {"x": x}, {}), {"x": x}), strict=True):
        assert got.dtype == exact.dtype
        assert np.array_equal(got, exact)


def test_convolution_of_integers_with_a_zero_point_per_channel() -> None:
    x = RANDOM.integers(0, 255, (1, 3, 6, 6), np.uint8)
    w = RANDOM.integers(0, 255, (4, 3, 3, 3), np.uint8)
    node = helper.make_node("ConvInteger", ["x", "w", "xz", "wz"], ["y"], pads=[1, 1, 1, 1])
    zeros = {"xz": np.uint8(120), "wz": np.asarray([100, 120, 128, 140], np.uint8)}
    model = model_of(node, {"x": x}, {"w": w, **zeros})
    (got,) = run_host(import_model(model, "model").module, [x])
    wide = w.astype(np.int64) - zeros["wz"].reshape(4, 1, 1, 1)
    padded = np.pad(x.astype(np.int64) - 120, [(0, 0), (0, 0), (1, 1), (1, 1)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    assert np.array_equal(got, np.einsum("nchwyx,ocyx->nohw", windows, wide))


@pytest.mark.parametrize("storage_order", [0, 1])
@pytest.mark.parametrize("kind", [np.float32, np.int8])
@pytest.mark.parametrize(
    "geometry",
    [
        {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 1, 1]},
        {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1},
        {"kernel_shape": [2, 3], "strides": [2, 2], "auto_pad": "SAME_UPPER"},
        {"kernel_shape": [2, 3], "strides": [2, 2], "auto_pad": "SAME_LOWER"},
        {"kernel_shape": [2, 2], "dilations": [2, 2]},
    ],
    ids=["pads", "ceil", "upper", "lower", "dilated"],
)
def test_indices_of_maxima(kind: Kind, geometry: dict[str, Any], storage_order: int) -> None:
    """Many equal values: the first counts. The lowest value must win over padding."""
    x = RANDOM.integers(-128, -125, (2, 3, 7, 5)).astype(kind)
    node = helper.make_node("MaxPool", ["x"], ["y", "z"], storage_order=storage_order, **geometry)
    for got, exact in zip(*both(model_of(node, {"x": x}, {}, 13), {"x": x}), strict=True):
        assert np.array_equal(got, exact)


@pytest.mark.parametrize("type_", [TensorProto.FLOAT8E4M3FN, TensorProto.FLOAT8E5M2])
@pytest.mark.parametrize("saturate", [0, 1])
def test_float8_rounds_as_its_definition(type_: int, saturate: int) -> None:
    """Every code, every middle between two codes, and what is too large."""
    codes = float_codes(type_)
    positive = codes.values[: codes.finite]
    middle = (positive[:-1] + positive[1:]) / 2
    large = positive[-1] * np.float32([1.01, 1.0625, 1.5, 100.0])
    x = np.concatenate([positive, middle, np.nextafter(middle, np.float32(0)), large])
    x = np.concatenate([x, -x[1:]]).astype(np.float32)
    kind = helper.tensor_dtype_to_np_dtype(type_)
    node = helper.make_node("QuantizeLinear", ["x", "s", "z"], ["y"], saturate=saturate)
    model = model_of(node, {"x": x}, {"s": np.float32(1), "z": np.zeros((), kind)})
    (got,) = run_host(import_model(model, "model").module, [x])
    largest = positive[-1]
    exact = (np.clip(x, -largest, largest) if saturate else x).astype(kind)
    assert np.array_equal(got, exact.view(np.uint8))


def test_int4_weights_are_int8_weights() -> None:
    w = np.arange(-8, 8).reshape(2, 8).astype(ml_dtypes.int4)
    node = helper.make_node("DequantizeLinear", ["w", "s"], ["d"], axis=0)
    add = helper.make_node("Add", ["x", "d"], ["y"])
    x = np.zeros((2, 8), np.float32)
    model = model_of([node, add], {"x": x}, {"w": w, "s": np.float32([0.5, 2.0])})
    (got,), (exact,) = both(model, {"x": x})
    assert np.array_equal(got, exact)


def refusal(model: onnx.ModelProto) -> str:
    with pytest.raises(ModelError) as caught:
        import_model(model, "bad.onnx")
    return str(caught.value)


def test_arithmetic_on_narrow_types_is_refused_by_the_nodes_name() -> None:
    x = np.zeros((2, 2), np.float32)
    node = helper.make_node("Cast", ["x"], ["c"], "narrowing", to=TensorProto.INT4)
    back = helper.make_node("Cast", ["c"], ["y"], to=TensorProto.FLOAT)
    message = refusal(model_of([node, back], {"x": x}, {}))
    assert message.startswith("bad.onnx: node narrowing is a Cast of INT4")


def test_a_shape_at_run_time_is_refused() -> None:
    given = {"x": np.zeros((2, 2), np.float32), "shape": np.zeros(1, np.int64)}
    node = helper.make_node("Reshape", ["x", "shape"], ["y"], "flatten")
    message = refusal(model_of(node, given, {}))
    assert "bad.onnx: Reshape flatten takes shape at run time" in message
    assert "make it an initializer" in message


def test_an_unknown_operator_is_refused_without_other_output(
    capsys: pytest.CaptureFixture[str],
) -> None:
    node = helper.make_node("Nonsense", ["x"], ["y"], domain="com.microsoft")
    message = refusal(model_of(node, {"x": np.zeros(2, np.float32)}, {}))
    assert "not supported for frontend ONNX: Nonsense" in message
    assert capsys.readouterr().out == ""
