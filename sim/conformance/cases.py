# SPDX-License-Identifier: Apache-2.0
"""The backend tests of the onnx package that matter to quantized networks."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

Array = npt.NDArray[Any]

CONSTANT_INPUTS: dict[str, tuple[int, ...]] = {
    "QLinearConv": (1, 2, 3, 4, 5, 6, 7, 8),
    "QLinearMatMul": (1, 2, 3, 4, 5, 6, 7),
    "ConvInteger": (1, 2, 3),
    "MatMulInteger": (1, 2, 3),
    "QuantizeLinear": (1, 2),
    "DequantizeLinear": (1, 2),
    "DynamicQuantizeLinear": (),
    "Conv": (1, 2),
    "Gemm": (1, 2),
    "MatMul": (1,),
    "MaxPool": (),
    "AveragePool": (),
    "GlobalAveragePool": (),
    "Relu": (),
    "Clip": (1, 2),
    "Add": (),
    "Reshape": (1,),
    "Pad": (1, 2, 3),
    "Flatten": (),
    "Concat": (),
    "Transpose": (),
    "Softmax": (),
    "Sigmoid": (),
}
"""The operators, each with the inputs that exporters write as constants."""


@dataclass(frozen=True, slots=True)
class Case:
    """A model of one node, what it is given and what it must give."""

    name: str
    operator: str
    model: onnx.ModelProto
    inputs: tuple[Array, ...]
    """As the graph names them; absent ones are not among them."""
    outputs: tuple[Array, ...]
    rtol: float
    atol: float


def collect() -> tuple[Case, ...]:
    """All cases of exactly one node of these operators, all inputs given at run time."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cases of other operators divide by zero on purpose
        from onnx.backend.test.case.node import collect_testcases

        found = collect_testcases(None)
    cases = []
    for case in found:
        if case.model is None or not case.data_sets or len(case.model.graph.node) != 1:
            continue
        operator = case.model.graph.node[0].op_type
        if operator in CONSTANT_INPUTS:
            given, expected = (_arrays(values) for values in case.data_sets[0])
            cases.append(
                Case(case.name, operator, case.model, given, expected, case.rtol, case.atol)
            )
    return tuple(cases)


def _arrays(values: Sequence[Any]) -> tuple[Array, ...]:
    """NumPy arrays; types that NumPy lacks come as ONNX tensors. Scalars stay scalars."""
    return tuple(
        numpy_helper.to_array(value)
        if isinstance(value, onnx.TensorProto)
        else np.array(value, order="C")
        for value in values
    )


def with_constants(case: Case) -> Case:
    """The case with weights, scales and shapes as initializers, as exporters write them.

    An operator that has none of them keeps its case.
    """
    if not CONSTANT_INPUTS[case.operator]:
        return case
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    node, graph = model.graph.node[0], model.graph
    fixed = {node.input[i] for i in CONSTANT_INPUTS[case.operator] if i < len(node.input)}
    names = [value.name for value in graph.input]
    given = dict(zip(names, case.inputs, strict=True))
    for name in fixed - {""}:
        graph.initializer.append(numpy_helper.from_array(given[name], name))
    kept = [value for value in graph.input if value.name not in fixed]
    del graph.input[:]
    graph.input.extend(kept)
    return replace(
        case, model=model, inputs=tuple(given[name] for name in names if name not in fixed)
    )
