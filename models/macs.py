# SPDX-License-Identifier: Apache-2.0
"""Count the multiplications of a model, as the published benchmarks do."""

from __future__ import annotations

from math import prod

import onnx
from onnx import shape_inference


def count_macs(model: onnx.ModelProto) -> int:
    """Multiply-accumulates of all Conv, ConvTranspose, Gemm, MatMul nodes; shapes are static."""
    graph = shape_inference.infer_shapes(model).graph
    shapes = {weight.name: tuple(weight.dims) for weight in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        shapes[value.name] = tuple(d.dim_value for d in value.type.tensor_type.shape.dim)
    return sum(_node_macs(node, shapes) for node in graph.node)


def _node_macs(node: onnx.NodeProto, shapes: dict[str, tuple[int, ...]]) -> int:
    """Outputs times the terms of each; what is transposed has inputs times uses of each."""
    if node.op_type == "Conv":
        return prod(shapes[node.output[0]]) * prod(shapes[node.input[1]][1:])
    if node.op_type == "ConvTranspose":
        return prod(shapes[node.input[0]]) * prod(shapes[node.input[1]][1:])
    if node.op_type == "Gemm":
        transposed = any(a.name == "transB" and a.i for a in node.attribute)
        return prod(shapes[node.output[0]]) * shapes[node.input[1]][1 if transposed else 0]
    if node.op_type == "MatMul":
        return prod(shapes[node.output[0]]) * shapes[node.input[0]][-1]
    return 0
