# SPDX-License-Identifier: Apache-2.0
"""Which nodes of a float model are one function of one tensor's values, several nodes long; no TVM.

Exporters write hard-swish, GELU, SiLU and learned factors as chains of sums, products and clips.
Quantized node by node, each rounds to 8 bits; left in float between the tensors around them, the
chain is one table of 256 results, exact.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
import onnx
from onnx import numpy_helper

POINTWISE = frozenset(
    {
        *("Abs", "Add", "Clip", "Div", "Elu", "Erf", "Exp", "Gelu", "HardSigmoid", "HardSwish"),
        *("LeakyRelu", "Log", "Max", "Min", "Mul", "Neg", "Pow", "Reciprocal", "Relu", "Sigmoid"),
        *("Softplus", "Sqrt", "Sub", "Tanh"),
    }
)
FOLLOWERS = frozenset({"Relu", "Clip"})
"""They become part of what they follow: no chain on their own."""


def pointwise_chains(model: onnx.ModelProto) -> list[str]:
    """Names of the nodes that are in a chain of two or more."""
    graph = model.graph
    scalars = {
        weight.name
        for weight in graph.initializer
        if np.prod(weight.dims) == 1 and numpy_helper.to_array(weight).dtype.kind == "f"
    }
    roots: dict[str, str] = {}
    """Value of a chain -> the tensor that it is a function of."""
    members: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        root = _root(node, roots, scalars)
        if root is not None:
            roots[node.output[0]] = root
            members.setdefault(root, []).append(node)
    return [node.name for nodes in members.values() if _is_worth_it(nodes, roots) for node in nodes]


def _root(node: onnx.NodeProto, roots: Mapping[str, str], scalars: set[str]) -> str | None:
    """The one tensor that the node's result is a function of, or None."""
    if node.op_type not in POINTWISE:
        return None
    read = {roots.get(name, name) for name in node.input if name and name not in scalars}
    return read.pop() if len(read) == 1 else None


def _is_worth_it(nodes: list[onnx.NodeProto], roots: Mapping[str, str]) -> bool:
    """More than one node computes something, or a node reads the tensor twice."""
    kinds = Counter(node.op_type for node in nodes)
    if kinds.total() > 1 and set(kinds) - FOLLOWERS:
        return any(value in roots for node in nodes for value in node.input)
    return any(len({*node.input}) < len(node.input) for node in nodes)
