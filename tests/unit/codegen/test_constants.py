# SPDX-License-Identifier: Apache-2.0
"""Weights become int8 around zero, and what a model computes stays the same."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from codegen.frontend.constants import simplify_weights
from codegen.frontend.narrow import carry
from codegen.frontend.onnx_import import import_model
from sim.compare import run_host, run_onnxruntime
from tests.unit.codegen.onnx_nodes import Array, model_of

pytestmark = pytest.mark.usefixtures("quick_host_code")

X = np.random.default_rng(2).normal(0, 1, (4, 5)).astype(np.float32)


def sum_with(nodes: list[onnx.NodeProto], constants: dict[str, Array]) -> onnx.ModelProto:
    """x plus what `nodes` give as "w"."""
    return model_of([*nodes, helper.make_node("Add", ["x", "w"], ["y"])], {"x": X}, constants)


def weights_of(model: onnx.ModelProto) -> tuple[Array, Array]:
    """Values and zero point of the one DequantizeLinear that is left, after a check."""
    exact = run_onnxruntime(model.SerializeToString(), {"x": X})
    simple = simplify_weights(carry(model))
    assert [node.op_type for node in simple.graph.node] == ["DequantizeLinear", "Add"]
    (got,) = run_host(import_model(model, "model").module, [X])
    assert np.allclose(got, exact[0], rtol=1e-5, atol=1e-6)
    found = {t.name: numpy_helper.to_array(t) for t in simple.graph.initializer}
    value, _, zero = simple.graph.node[0].input
    return found[value], found[zero]


def test_float_weights_are_quantized_when_compiling() -> None:
    w = np.random.default_rng(4).normal(0, 1, (4, 5)).astype(np.float32)
    constants = {"f": w, "s": np.full(5, 0.02, np.float32), "z": np.zeros(5, np.int8)}
    nodes = [
        helper.make_node("QuantizeLinear", ["f", "s", "z"], ["q"], axis=1),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["w"], axis=1),
    ]
    values, _ = weights_of(sum_with(nodes, constants))
    assert np.array_equal(values, np.clip(np.rint(w / np.float32(0.02)), -128, 127))


def test_moved_weights() -> None:
    w = np.arange(-10, 10, dtype=np.int8).reshape(5, 4)
    constants = {"t": w, "s": np.float32(0.1), "z": np.int8(0)}
    nodes = [
        helper.make_node("Transpose", ["t"], ["q"], perm=[1, 0]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["w"]),
    ]
    values, _ = weights_of(sum_with(nodes, constants))
    assert np.array_equal(values, w.T)


@pytest.mark.parametrize("kind", [ml_dtypes.uint4, np.uint8, np.int8])
def test_zero_points_that_fit_move_into_the_weights(kind: type[np.generic]) -> None:
    w = (np.arange(20) % 16).reshape(4, 5).astype(kind)
    zero = np.arange(5, 10).astype(kind)
    constants = {"q": w, "s": np.linspace(0.1, 0.5, 5, dtype=np.float32), "z": zero}
    node = helper.make_node("DequantizeLinear", ["q", "s", "z"], ["w"], axis=1)
    values, zeros = weights_of(sum_with([node], constants))
    assert np.array_equal(values, w.astype(np.int64) - zero.astype(np.int64))
    assert values.dtype == zeros.dtype == np.int8
    assert not zeros.any()


def test_zero_points_that_do_not_fit_stay() -> None:
    w = np.linspace(0, 255, 20).astype(np.uint8).reshape(4, 5)
    constants = {"q": w, "s": np.float32(0.1), "z": np.uint8(100)}
    node = helper.make_node("DequantizeLinear", ["q", "s", "z"], ["w"])
    values, zero = weights_of(sum_with([node], constants))
    assert np.array_equal(values, w)
    assert zero == 100


def test_results_that_are_outputs_stay() -> None:
    """The model still gives its constant."""
    node = helper.make_node("Identity", ["c"], ["y"])
    model = model_of(node, {"x": X}, {"c": X})
    assert [n.op_type for n in simplify_weights(model).graph.node] == ["Identity"]
