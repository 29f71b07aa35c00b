# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import pytest
from onnx import helper

from codegen.frontend.pointwise_chains import pointwise_chains
from codegen.frontend.quantize import preprocess, quantize
from tests.unit.codegen.float_models import float_model

SCALARS = {"three": np.float32(3), "six": np.float32(6), "zero": np.float32(0)}
PER_CHANNEL = {"factor": np.ones((3, 1, 1), np.float32)}


def node(kind: str, inputs: str, output: str) -> onnx.NodeProto:
    return helper.make_node(kind, inputs.split(), [output], name=f"{kind}:{output}")


HARD_SWISH = [
    node("Add", "x three", "a"),
    node("Clip", "a zero six", "b"),
    node("Mul", "x b", "c"),
    node("Div", "c six", "y"),
]


@pytest.mark.parametrize(
    ("nodes", "outputs"),
    [
        (HARD_SWISH, "abcy"),
        ([node("Sigmoid", "x", "s"), node("Mul", "x s", "y")], "sy"),
        ([node("Mul", "x x", "y")], "y"),
        ([node("Mul", "x three", "y")], ""),
        ([node("Relu", "x", "a"), node("Clip", "a zero six", "y")], ""),
        ([node("Mul", "x factor", "a"), node("Sigmoid", "a", "y")], ""),
        ([node("Softmax", "x", "a"), node("Mul", "x a", "y")], ""),
    ],
)
def test_a_chain_is_a_function_of_one_value(nodes: Sequence[onnx.NodeProto], outputs: str) -> None:
    model = float_model(nodes, SCALARS | PER_CHANNEL, (1, 3, 4, 4))
    found = [name.partition(":")[2] for name in pointwise_chains(model)]
    assert "".join(found) == outputs


def test_the_quantizer_leaves_chains_between_quantized_tensors() -> None:
    random = np.random.default_rng(1)
    kernels = {f"w{i}": random.normal(size=(3, 3, 1, 1)).astype(np.float32) for i in (0, 1)}
    renamed = [
        helper.make_node(
            n.op_type,
            ["conv" if i == "x" else i for i in n.input],
            n.output,
            name=n.name,
        )
        for n in HARD_SWISH
    ]
    nodes = [node("Conv", "x w0", "conv"), *renamed, node("Conv", "y w1", "z")]
    model = preprocess(float_model(nodes, SCALARS | kernels, (1, 3, 4, 4)))
    samples = [{"x": random.normal(size=(1, 3, 4, 4)).astype(np.float32)}]
    quantized = quantize(model, samples)
    kinds = [n.op_type for n in quantized.graph.node]
    first, last = kinds.index("Add"), kinds.index("Div")
    assert "QuantizeLinear" not in kinds[first : last + 1]
    assert kinds.count("QuantizeLinear") == 4  # input, both convolutions' results, the chain's
