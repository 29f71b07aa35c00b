# SPDX-License-Identifier: Apache-2.0
"""QOperator nodes mean in Tessera what they mean in onnxruntime."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx.reference import ReferenceEvaluator

from accel.errors import ModelError
from codegen.frontend.onnx_import import import_model
from codegen.frontend.qoperator import to_qdq
from tests.unit.codegen.onnx_nodes import Array, Kind, assert_within_a_step, model_of

pytestmark = pytest.mark.usefixtures("quick_host_code")

TYPES = [np.int8, np.uint8]


def values(shape: tuple[int, ...], kind: Kind, seed: int = 0) -> Array:
    limits = np.iinfo(kind)
    random = np.random.default_rng(seed)
    return random.integers(limits.min, limits.max, shape, kind, endpoint=True)


def parameters(kind: Kind, *names: str, scale: float = 0.02) -> dict[str, Array]:
    """Constants NAME_s and NAME_z, all different."""
    middle = 128 if kind == np.uint8 else 0
    found: dict[str, Array] = {}
    for index, name in enumerate(names):
        found[f"{name}_s"] = np.asarray(scale * (1 + 0.3 * index), np.float32)
        found[f"{name}_z"] = np.asarray(middle + 3 * index - 2, kind)
    return found


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("opset", [10, 21])
def test_convolution_per_channel_with_bias(kind: Kind, opset: int) -> None:
    x, w = values((2, 4, 9, 7), kind), values((6, 2, 3, 3), np.int8, 1)
    constants = {
        **parameters(kind, "x", "y"),
        "y_s": np.float32(0.3),
        "w": w,
        "w_s": np.linspace(0.005, 0.02, 6, dtype=np.float32),
        "w_z": np.zeros(6, np.int8),
        "b": np.arange(-300, 300, 100, np.int32),
    }
    names = ["x", "x_s", "x_z", "w", "w_s", "w_z", "y_s", "y_z", "b"]
    node = helper.make_node("QLinearConv", names, ["y"], group=2, strides=[2, 1], pads=[1, 1, 0, 1])
    assert_within_a_step(model_of(node, {"x": x}, constants, opset), {"x": x})


def exact_product(x: Array, c: Mapping[str, Array], alpha: float = 1.0) -> Array:
    """The product of `x` and weights [K, N], per tensor or column, with an int32 bias.

    In integers and float64: onnxruntime's 16-bit sums of uint8 by int8 saturate on x86 without
    VNNI.
    """
    sums = (x.astype(np.int64) - c["x_z"]) @ (c["w"].astype(np.int64) - c["w_z"]) + c.get("c", 0)
    scale = alpha * np.float64(c["x_s"]) * np.asarray(c["w_s"], np.float64) / np.float64(c["y_s"])
    limits = np.iinfo(x.dtype)
    return np.clip(np.rint(sums * scale) + c["y_z"], limits.min, limits.max).astype(x.dtype)


PRODUCT = ["x", "x_s", "x_z", "w", "w_s", "w_z"]
"""The first inputs of nodes."""


def product_operands(kind: Kind) -> tuple[Array, dict[str, Array]]:
    x, w = values((5, 16), kind), values((16, 8), np.int8, 1)
    constants = {**parameters(kind, "x", "y"), "w": w, "w_s": np.float32(0.01)}
    return x, constants | {"w_z": np.int8(0), "y_s": np.float32(0.1)}


@pytest.mark.parametrize("kind", TYPES)
def test_matrix_product(kind: Kind) -> None:
    """Against ONNX's own reference, which has exact sums: so it is the same in every bit."""
    x, constants = product_operands(kind)
    node = helper.make_node("QLinearMatMul", [*PRODUCT, "y_s", "y_z"], ["y"])
    model = model_of(node, {"x": x}, constants)
    reference = ReferenceEvaluator(model).run(None, {"x": x})
    assert isinstance(reference, list)
    np.testing.assert_array_equal(reference[0], exact_product(x, constants))
    assert_within_a_step(model, {"x": x}, reference)


@pytest.mark.parametrize("kind", TYPES)
def test_matrix_product_with_bias(kind: Kind) -> None:
    """Of onnxruntime's domain, for which ONNX has no reference."""
    x, constants = product_operands(kind)
    constants |= {
        "c": np.arange(-2000, 2000, 500, np.int32),
        "w_s": np.linspace(0.002, 0.01, 8, dtype=np.float32),
        "w_z": np.zeros(8, np.int8),
    }
    exact = exact_product(x, constants, alpha=2.0)
    transposed = constants | {"w": np.ascontiguousarray(constants["w"].T)}
    node = helper.make_node(
        "QGemm", [*PRODUCT, "c", "y_s", "y_z"], ["y"], domain="com.microsoft", transB=1, alpha=2.0
    )
    assert_within_a_step(model_of(node, {"x": x}, transposed), {"x": x}, [exact])


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("op", ["QLinearAdd", "QLinearMul", "QLinearConcat"])
def test_two_operands(kind: Kind, op: str) -> None:
    given = {"a": values((1, 4, 5, 5), kind), "b": values((1, 4, 5, 5), kind, 1)}
    names = ["a", "a_s", "a_z", "b", "b_s", "b_z"]
    attributes = {"axis": 1} if op == "QLinearConcat" else {}
    names = ["y_s", "y_z", *names] if attributes else [*names, "y_s", "y_z"]
    node = helper.make_node(op, names, ["y"], domain="com.microsoft", **attributes)
    constants = parameters(kind, "a", "b", "y")
    assert_within_a_step(model_of(node, given, constants), given)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(
    ("op", "attributes"),
    [
        ("QLinearGlobalAveragePool", {}),
        ("QLinearAveragePool", {"kernel_shape": [2, 2], "strides": [2, 2]}),
        ("QLinearLeakyRelu", {"alpha": 0.1}),
        ("QLinearSigmoid", {}),
        ("QLinearSoftmax", {"axis": 1, "opset": 13}),
    ],
)
def test_one_operand(kind: Kind, op: str, attributes: dict[str, Any]) -> None:
    x = values((1, 4, 6, 6), kind)
    constants = parameters(kind, "x", "y")
    if op in ("QLinearSigmoid", "QLinearSoftmax"):
        constants |= {"y_s": np.float32(1 / 256), "y_z": np.asarray(np.iinfo(kind).min, kind)}
    names = ["x", "x_s", "x_z", "y_s", "y_z"]
    node = helper.make_node(op, names, ["y"], domain="com.microsoft", **attributes)
    assert_within_a_step(model_of(node, {"x": x}, constants), {"x": x})


def test_moves_between_nodes_keep_scale_and_node() -> None:
    x = values((1, 4, 6, 6), np.uint8)
    names = ["x", "x_s", "x_z", "y_s", "y_z"]
    nodes = [
        helper.make_node("QLinearLeakyRelu", names, ["l"], "leaky", domain="com.microsoft"),
        helper.make_node("MaxPool", ["l"], ["p"], "pool", kernel_shape=[2, 2]),
        helper.make_node("Flatten", ["p"], ["y"], "flat"),
    ]
    model = model_of(nodes, {"x": x}, parameters(np.uint8, "x", "y"))
    assert_within_a_step(model, {"x": x})
    pieces = [(node.name, node.op_type) for node in to_qdq(model).graph.node]
    island = ("DequantizeLinear", "{}", "QuantizeLinear")
    assert pieces == [
        (model.graph.node[index].name, step.format(op))
        for index, op in enumerate(["LeakyRelu", "MaxPool", "Flatten"])
        for step in island
    ]


def refusal(node: onnx.NodeProto, constants: dict[str, Array]) -> str:
    x = values((1, 4, 6, 6), np.int8)
    with pytest.raises(ModelError) as caught:
        import_model(model_of(node, {"x": x}, constants), "bad.onnx")
    return str(caught.value)


def test_what_has_no_such_island_is_refused() -> None:
    constants = parameters(np.int8, "x", "y")
    names = ["x", "x_s", "x_z", "y_s"]
    node = helper.make_node("QLinearSigmoid", names, ["y"], domain="com.microsoft")
    assert "bad.onnx: QLinearSigmoid has no zero point for its output" in refusal(node, constants)
    node = helper.make_node(
        "QLinearGlobalAveragePool",
        [*names, "y_z"],
        ["y"],
        domain="com.microsoft",
        channels_last=1,
    )
    assert "bad.onnx: QLinearGlobalAveragePool with channels_last=1" in refusal(node, constants)


def test_initializers_are_no_inputs_as_they_are_in_old_files() -> None:
    x = np.zeros((1, 4), np.float32)
    moved = helper.make_node("Identity", ["c"], ["d"])  # folded: then nobody reads c
    model = model_of(
        [moved, helper.make_node("Add", ["x", "d"], ["y"])], {"x": x}, {"c": np.ones(4, np.float32)}
    )
    model.graph.input.append(helper.make_tensor_value_info("c", onnx.TensorProto.FLOAT, [4]))
    assert [str(p.name) for p in import_model(model, "old").module["main"].params] == ["x"]
