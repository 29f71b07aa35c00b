# SPDX-License-Identifier: Apache-2.0
"""The float cases once more as int8 islands: dequantize, the node, quantize."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from sim.conformance.cases import Case, with_constants

WEIGHTS = {"Conv": 1, "Gemm": 1, "MatMul": 1}
"""Which input is quantized like weights: symmetric."""
OPSET = 21
"""For which onnx's evaluator has Q/DQ; the operators of the cases mean the same since theirs."""
STEP = 1.001
"""Tolerance in output steps: a tie may round to either side."""


def as_int8(case: Case) -> Case | None:
    """A float case as an island; None for a case that is no float one.

    Weights are constants. What it must give is what onnx's reference evaluator computes.
    """
    if any(values.dtype != np.float32 for values in (*case.inputs[:1], *case.outputs[:1])):
        return None
    if case.operator in ("QuantizeLinear", "DynamicQuantizeLinear"):
        return None
    fixed = with_constants(case)
    model = onnx.ModelProto()
    model.CopyFrom(fixed.model)
    island = _Island(model)
    for value, given in zip(list(model.graph.input), fixed.inputs, strict=True):
        if given.dtype == np.float32:
            island.quantize_input(value.name, given, symmetric=False)
    index = WEIGHTS.get(case.operator)
    if index is not None and index < len(island.node.input):
        name = island.node.input[index]
        constants = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
        if name in constants:
            island.quantize_input(name, constants[name], symmetric=True)
    scale = island.quantize_output(case.outputs[0])
    model.opset_import[0].version = max(OPSET, model.opset_import[0].version)
    names = [value.name for value in model.graph.input]
    exact = ReferenceEvaluator(model).run(None, dict(zip(names, fixed.inputs, strict=True)))
    outputs = tuple(np.asarray(values) for values in exact)
    return replace(fixed, model=model, outputs=outputs, rtol=0.0, atol=STEP * scale)


class _Island:
    """Adds Q/DQ around the one node of a model."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.graph = model.graph
        (self.node,) = model.graph.node

    def quantize_input(self, name: str, values: npt.NDArray[Any], *, symmetric: bool) -> None:
        """Let the node read `name` through a Q/DQ pair."""
        self._parameters(name, values, symmetric)
        for index, read in enumerate(self.node.input):
            if read == name:
                self.node.input[index] = f"{name}.real"
        self._insert(0, self._pair(name, f"{name}.real"))

    def quantize_output(self, values: npt.NDArray[Any]) -> float:
        """Let the graph give the node's first output through a Q/DQ pair; returns its scale."""
        name = self.node.output[0]
        scale = self._parameters(name, values, symmetric=False)
        self.node.output[0] = f"{name}.exact"
        pair = self._pair(name, name)
        pair[0].input[0] = f"{name}.exact"
        self._insert(len(self.graph.node), pair)
        return scale

    def _parameters(self, name: str, values: npt.NDArray[Any], symmetric: bool) -> float:
        """Add scale and zero point as constants."""
        low, high = float(values.min(initial=0)), float(values.max(initial=0))
        if symmetric:
            scale, zero = max(-low, high) / 127, 0
        else:
            scale = (high - low) / 255
            zero = round(-128 - low / scale) if scale else 0
        scale = scale or 1.0
        self.graph.initializer.extend(
            [
                numpy_helper.from_array(np.asarray(scale, np.float32), f"{name}.scale"),
                numpy_helper.from_array(np.asarray(zero, np.int8), f"{name}.zero"),
            ]
        )
        return scale

    @staticmethod
    def _pair(name: str, result: str) -> list[onnx.NodeProto]:
        parameters = [f"{name}.scale", f"{name}.zero"]
        return [
            helper.make_node("QuantizeLinear", [name, *parameters], [f"{name}.int8"]),
            helper.make_node("DequantizeLinear", [f"{name}.int8", *parameters], [result]),
        ]

    def _insert(self, index: int, nodes: list[onnx.NodeProto]) -> None:
        for offset, node in enumerate(nodes):
            self.graph.node.insert(index + offset, node)
