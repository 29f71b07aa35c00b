# SPDX-License-Identifier: Apache-2.0
"""Count the multiply-accumulates of an ONNX model, as the literature counts them."""

from __future__ import annotations

from math import prod

import onnx
from onnx import shape_inference

Shapes = dict[str, tuple[int, ...]]


def count_macs(model: onnx.ModelProto) -> int:
    """Multiply-accumulates of all convolutions and matrix products of a model with static shapes.

    Args:
        model: with QOperator nodes as QDQ islands (`onnx_import.Imported.qdq`).
    """
    graph = shape_inference.infer_shapes(model).graph
    shapes: Shapes = {weight.name: tuple(weight.dims) for weight in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        shapes[value.name] = tuple(d.dim_value for d in value.type.tensor_type.shape.dim)
    return sum(_node_macs(node, shapes) for node in graph.node)


def _node_macs(node: onnx.NodeProto, shapes: Shapes) -> int:
    """Elements of the output times the terms of each; transposed, of the input times uses."""
    match node.op_type:
        case "Conv":
            terms = prod(shapes[node.input[1]][1:])
        case "ConvTranspose":
            return prod(shapes[node.input[0]]) * prod(shapes[node.input[1]][1:])
        case "Gemm":
            transposed = any(a.name == "transA" and a.i for a in node.attribute)
            terms = shapes[node.input[0]][0 if transposed else -1]
        case "MatMul":
            terms = shapes[node.input[0]][-1]
        case _:
            return 0
    return prod(shapes[node.output[0]]) * terms
