# SPDX-License-Identifier: Apache-2.0
"""Models of one node, to import and compare with onnxruntime."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from codegen.frontend.integerize import integerize
from codegen.frontend.onnx_import import import_model
from sim.compare import run_host, run_onnxruntime

Array = npt.NDArray[Any]
Kind = type[np.generic]


def model_of(
    node: onnx.NodeProto | list[onnx.NodeProto],
    inputs: Mapping[str, Array],
    constants: Mapping[str, Array],
    opset: int = 21,
) -> onnx.ModelProto:
    """A model that computes "y" of `inputs`; their values give types and shapes only."""
    nodes = [node] if isinstance(node, onnx.NodeProto) else node
    graph = helper.make_graph(
        nodes,
        "one",
        [
            helper.make_tensor_value_info(
                name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape
            )
            for name, value in inputs.items()
        ],
        [onnx.ValueInfoProto(name=name) for name in nodes[-1].output],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def ours(model: onnx.ModelProto, inputs: Mapping[str, Array]) -> list[Array]:
    """Outputs of the integer form on TVM host."""
    integer, _ = integerize(import_model(model, "model").module)
    return run_host(integer, list(inputs.values()))


def both(model: onnx.ModelProto, inputs: Mapping[str, Array]) -> tuple[list[Array], list[Array]]:
    """Outputs of the integer form on TVM host, and of onnxruntime."""
    exact = run_onnxruntime(model.SerializeToString(), inputs)
    return ours(model, inputs), exact


def assert_within_a_step(
    model: onnx.ModelProto, inputs: Mapping[str, Array], reference: list[Array] | None = None
) -> None:
    """Same types and shapes as the reference, onnxruntime by default.

    Values are at most one apart, few of them.
    """
    expected = reference or run_onnxruntime(model.SerializeToString(), inputs)
    for got, exact in zip(ours(model, inputs), expected, strict=True):
        assert got.dtype == exact.dtype
        assert got.shape == exact.shape
        gap = np.abs(got.astype(np.int64) - exact.astype(np.int64))
        assert gap.max() <= 1
        assert np.count_nonzero(gap) <= 0.02 * gap.size
