# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper

from codegen.frontend.prepare import prepare
from tests.unit.codegen.float_models import FloatArray, evaluate, float_model

RANDOM = np.random.default_rng(5)


def drawn(*shape: int) -> FloatArray:
    return RANDOM.uniform(0.5, 1.5, shape).astype(np.float32)


def copy(model: onnx.ModelProto) -> onnx.ModelProto:
    return onnx.ModelProto.FromString(model.SerializeToString())


def kinds(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


def test_a_sum_of_three_is_two_additions() -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["a"], name="a"),
        helper.make_node("Neg", ["x"], ["b"], name="b"),
        helper.make_node("Sum", ["x", "a", "b"], ["y"], name="sum"),
    ]
    model = float_model(nodes, {}, (2, 3))
    prepared = prepare(copy(model))
    assert kinds(prepared) == ["Relu", "Neg", "Add", "Add"]
    x = RANDOM.normal(size=(2, 3)).astype(np.float32)
    np.testing.assert_array_equal(evaluate(prepared, x), evaluate(model, x))


def test_a_bias_of_a_gemm_becomes_a_vector_and_the_other_is_dropped() -> None:
    nodes = [helper.make_node("Gemm", ["x", "w", "bias"], ["y"], name="gemm")]
    model = float_model(nodes, {"w": drawn(4, 5), "bias": drawn(1, 5)}, (1, 4))
    prepared = prepare(copy(model))
    shapes = {w.name: tuple(w.dims) for w in prepared.graph.initializer}
    assert shapes == {"w": (4, 5), "bias.flat": (5,)}
    x = RANDOM.normal(size=(1, 4)).astype(np.float32)
    np.testing.assert_array_equal(evaluate(prepared, x), evaluate(model, x))


def test_factors_and_offsets_behind_a_batch_norm_are_in_it() -> None:
    parts = {name: drawn(3) for name in ("scale", "offset", "mean", "variance")}
    weights = {**parts, "factor": drawn(3, 1, 1), "shift": drawn(1, 3, 1, 1)}
    nodes = [
        helper.make_node("BatchNormalization", ["x", *parts], ["n"], name="norm"),
        helper.make_node("Mul", ["n", "factor"], ["m"], name="mul"),
        helper.make_node("Add", ["shift", "m"], ["s"], name="add"),
        helper.make_node("Relu", ["s"], ["y"], name="relu"),
    ]
    model = float_model(nodes, weights, (1, 3, 4, 4))
    prepared = prepare(copy(model))
    assert kinds(prepared) == ["BatchNormalization", "Relu"]
    x = RANDOM.normal(size=(1, 3, 4, 4)).astype(np.float32)
    np.testing.assert_allclose(evaluate(prepared, x), evaluate(model, x), rtol=1e-5, atol=1e-6)


def test_what_others_read_stays_behind_its_batch_norm() -> None:
    parts = {name: drawn(3) for name in ("scale", "offset", "mean", "variance")}
    nodes = [
        helper.make_node("BatchNormalization", ["x", *parts], ["n"], name="norm"),
        helper.make_node("Mul", ["n", "factor"], ["m"], name="mul"),
        helper.make_node("Add", ["n", "m"], ["y"], name="add"),
    ]
    model = float_model(nodes, {**parts, "factor": drawn(3, 1, 1)}, (1, 3, 4, 4))
    assert kinds(prepare(copy(model))) == ["BatchNormalization", "Mul", "Add"]


def test_nodes_without_a_name_get_one_of_their_own() -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("Neg", ["a"], ["b"], name="Relu.0"),
        helper.make_node("Relu", ["b"], ["y"]),
    ]
    names = [node.name for node in prepare(float_model(nodes, {}, (2, 3))).graph.node]
    assert all(names)
    assert len(set(names)) == 3


def test_weights_are_kept_as_they_are() -> None:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"], name="matmul")]
    weights = {"w": drawn(4, 5)}
    (kept,) = prepare(float_model(nodes, weights, (1, 4))).graph.initializer
    np.testing.assert_array_equal(numpy_helper.to_array(kept), weights["w"])
