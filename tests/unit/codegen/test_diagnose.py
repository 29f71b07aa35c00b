# SPDX-License-Identifier: Apache-2.0
"""Each rule that keeps an op on the host: models that fail it, and only it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from accel.config import AccelConfig
from codegen.compile import compile_imported
from codegen.explain import explain
from codegen.explanation import ACCELERATOR, HOST, NodeFate
from codegen.frontend.integerize import Notes
from codegen.frontend.onnx_import import Imported, import_model

F32, I8, U8, I16 = TensorProto.FLOAT, TensorProto.INT8, TensorProto.UINT8, TensorProto.INT16
IMAGE = (1, 4, 6, 6)
ZERO = np.int8(0)


class Model:
    """A model whose quantized tensors take one line each."""

    def __init__(self, **inputs: tuple[int, tuple[int, ...]]) -> None:
        self.inputs = [helper.make_tensor_value_info(n, *kind) for n, kind in inputs.items()]
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, values: npt.ArrayLike) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def node(self, op: str, *inputs: str, **attributes: object) -> str:
        name = f"{op.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], name, **attributes))
        return name

    def scales(self, scale: npt.ArrayLike, zero: npt.ArrayLike) -> tuple[str, str]:
        return self.constant(np.asarray(scale, np.float32)), self.constant(zero)

    def dequantized(
        self, name: str, scale: npt.ArrayLike = 0.1, zero: npt.ArrayLike = ZERO, **kw: object
    ) -> str:
        return self.node("DequantizeLinear", name, *self.scales(scale, zero), **kw)

    def quantized(self, name: str, scale: float = 0.2, zero: npt.ArrayLike = ZERO) -> str:
        return self.node("QuantizeLinear", name, *self.scales(scale, zero))

    def weights(self, *shape: int, zero: int = 0) -> str:
        values = np.random.default_rng(0).integers(-128, 128, shape, np.int8)
        return self.dequantized(self.constant(values), 0.01, np.int8(zero))

    def imported(self, *results: str) -> Imported:
        names = results or self.nodes[-1].output
        outputs = [onnx.ValueInfoProto(name=name) for name in names]
        graph = helper.make_graph(self.nodes, "net", self.inputs, outputs, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
        return import_model(onnx.shape_inference.infer_shapes(model), "net")

    def fates(self, *results: str) -> list[NodeFate]:
        return list(compile_imported(self.imported(*results), AccelConfig()).explanation.nodes)


def softmax() -> Model:
    m = Model(x=(I8, IMAGE))
    m.quantized(m.node("Softmax", m.dequantized("x"), axis=1))
    return m


def float_result() -> Model:
    m = Model(x=(I8, IMAGE))
    m.node("Relu", m.node("Conv", m.dequantized("x"), m.weights(8, 4, 1, 1)))
    return m


def float_reader() -> Model:
    m = Model(x=(I8, IMAGE))
    product = m.node("Conv", m.dequantized("x"), m.weights(8, 4, 1, 1))
    m.quantized(m.node("Softmax", product, axis=1))
    return m


def float_input() -> Model:
    m = Model(x=(F32, IMAGE))
    m.quantized(m.node("Conv", "x", m.weights(8, 4, 1, 1)))
    return m


def float_maker() -> Model:
    m = Model(x=(I8, IMAGE))
    soft = m.node("Softmax", m.dequantized("x"), axis=1)
    m.quantized(m.node("Conv", soft, m.weights(8, 4, 1, 1)))
    return m


def dynamic_scale() -> Model:
    m = Model(x=(I8, IMAGE), s=(F32, ()))
    x = m.node("DequantizeLinear", "x", "s", m.constant(np.int8(0)))
    m.quantized(m.node("Conv", x, m.weights(8, 4, 1, 1)))
    return m


def scale_per_channel() -> Model:
    m = Model(x=(I8, IMAGE))
    x = m.dequantized("x", [0.1, 0.2, 0.3, 0.4], np.zeros(4, np.int8), axis=1)
    m.quantized(m.node("Conv", x, m.weights(8, 4, 1, 1)))
    return m


def sixteen_bits() -> Model:
    m = Model(x=(I16, IMAGE))
    m.quantized(m.node("Conv", m.dequantized("x", zero=np.int16(0)), m.weights(8, 4, 1, 1)))
    return m


def float_weights() -> Model:
    m = Model(x=(I8, (4, 8)))
    values = np.random.default_rng(1).normal(size=(8, 4)).astype(np.float32)
    m.quantized(m.node("MatMul", m.dequantized("x"), m.constant(values)))
    return m


def unusual_broadcast() -> Model:
    m = Model(x=(I8, IMAGE), y=(I8, (1, 1, 6, 6)))
    m.quantized(m.node("Add", m.dequantized("x"), m.dequantized("y")))
    return m


def indices() -> Model:
    m = Model(x=(I8, IMAGE))
    m.node("ArgMax", m.dequantized("x"), axis=1)
    return m


CASES = [
    (softmax, "Softmax", "op_has_an_integer_form", "(Softmax) has no integer form"),
    (float_result, "Relu", "result_is_quantized", "an output of the model, in float"),
    (float_result, "Conv", "result_is_quantized", "an output of the model, in float"),
    (float_reader, "Conv", "result_is_quantized", "read in float by softmax"),
    (float_input, "Conv", "inputs_are_quantized", "the model's input x is float"),
    (float_maker, "Conv", "inputs_are_quantized", "comes in float from softmax"),
    (dynamic_scale, "Conv", "scales_are_constant", "at run time"),
    (scale_per_channel, "Conv", "activations_have_one_scale", "has 4 scales"),
    (sixteen_bits, "Conv", "activations_are_bytes", "converts int16 [1, 4, 6, 6]"),
    (float_weights, "MatMul", "weights_are_int8", "float32 [8, 4] constants"),
    (
        unusual_broadcast,
        "Add",
        "values_meet_the_form",
        "add of float32 [1, 4, 6, 6], float32 [1, 1, 6, 6]",
    ),
    (indices, "ArgMax", "tensors_are_int8", "gives int64"),
]


@pytest.mark.parametrize(("make", "op", "rule", "detail"), CASES)
def test_rule(make, op: str, rule: str, detail: str) -> None:
    fates = make().fates()
    (fate,) = (fate for fate in fates if fate.op == op)
    assert fate.where == HOST
    assert fate.refusal is not None
    assert fate.refusal.rule == rule
    assert detail in fate.refusal.detail
    for other in fates:  # also Q and DQ that are left
        if other.where == HOST:
            assert other.refusal is not None
            assert other.refusal.predicate.endswith(".")
            assert other.refusal.remedy


def test_borders_name_what_is_float_beyond_them() -> None:
    details = {
        fate.op: (fate.refusal.detail, fate.refusal.remedy)
        for fate in softmax().fates()
        if fate.refusal is not None
    }
    assert details["DequantizeLinear"][0] == (
        "border: its result is read in float by softmax1 (Softmax)"
    )
    assert details["QuantizeLinear"][0] == "border: it converts softmax1 (Softmax) from float"
    assert "admit the float op" in details["QuantizeLinear"][1]


def test_borders_of_the_model_need_no_remedy() -> None:
    m = Model(x=(F32, IMAGE))
    m.dequantized(m.quantized(m.node("Relu", m.dequantized(m.quantized("x")))))
    first, *_, last = m.fates()
    assert first.refusal is not None
    assert last.refusal is not None
    assert first.refusal.detail == "border: it converts the model's input x from float"
    assert last.refusal.detail == "border: it converts an output of the model to float"
    assert all(fate.refusal.remedy.startswith("none is needed") for fate in (first, last))


def test_a_note_of_the_rewrite_is_more_specific() -> None:
    imported = softmax().imported()
    compiled = compile_imported(imported, AccelConfig())
    notes = Notes(refused={"node1x": "its int32 sums can overflow"})
    fates = explain(imported, notes, compiled.partitioned, {}, {}).nodes
    (fate,) = (fate for fate in fates if fate.op == "Softmax")
    assert fate.refusal is not None
    assert fate.refusal.detail == "its int32 sums can overflow"
    assert fate.refusal.remedy


def test_an_int8_result_of_the_model_keeps_its_node() -> None:
    m = Model(x=(I8, IMAGE))
    m.quantized(m.node("Relu", m.node("Conv", m.dequantized("x"), m.weights(8, 4, 1, 1))), 0.1)
    fates = {fate.op: fate for fate in m.fates()}
    assert fates["Conv"].where == fates["Relu"].where == ACCELERATOR
    assert fates["Conv"].placements[0].fused_with == (fates["Relu"].node,)
    assert fates["QuantizeLinear"].absorbed_into == (fates["Relu"].node,)


def test_a_uint8_result_of_the_model_keeps_its_nodes() -> None:
    m, zero = Model(x=(U8, IMAGE)), np.uint8(3)
    x = m.dequantized("x", 0.1, zero)
    m.quantized(m.node("Relu", m.node("Conv", x, m.weights(8, 4, 1, 1))), 0.1, zero)
    fates = {fate.op: fate for fate in m.fates()}
    assert fates["Conv"].placements[0].fused_with == (fates["Relu"].node,)
    assert fates["QuantizeLinear"].where == HOST


def test_several_results_keep_their_nodes() -> None:
    m = Model(x=(I8, IMAGE))
    x = m.dequantized("x")
    first, second = (
        m.quantized(m.node(op, x, m.weights(8, 4, 1, 1)), 0.1) for op in ("Conv", "Conv")
    )
    fates = m.fates(first, second)
    assert [fate.where for fate in fates if fate.op == "Conv"] == [ACCELERATOR] * 2
