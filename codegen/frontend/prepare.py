# SPDX-License-Identifier: Apache-2.0
"""Write a float model so that onnxruntime can quantize all of it; no TVM.

What it computes stays the same: sums of several are additions of two, the factors and offsets
behind a batch norm are in it, biases are vectors, nodes have names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

Array = npt.NDArray[Any]


def prepare(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same function; `model` is changed."""
    graph = model.graph
    weights = {weight.name: numpy_helper.to_array(weight) for weight in graph.initializer}
    _split_sums(graph)
    _flatten_biases(graph, weights)
    _fold_into_norms(graph, weights)
    _drop_unused(graph)
    taken = {node.name for node in graph.node}
    for index, node in enumerate(graph.node):
        name = node.name or f"{node.op_type}.{index}"
        while not node.name and name in taken:
            name += "x"
        node.name = name
        taken.add(name)
    return model


def _split_sums(graph: onnx.GraphProto) -> None:
    """Sum of n as n - 1 Add: onnxruntime quantizes no Sum."""
    nodes = []
    for node in graph.node:
        if node.op_type != "Sum" or len(node.input) < 2:
            nodes.append(node)
            continue
        total, last = node.input[0], len(node.input) - 1
        for index in range(1, last + 1):
            result = node.output[0] if index == last else f"{node.output[0]}.partial{index}"
            name = node.name if index == last else f"{node.name}.partial{index}"
            nodes.append(helper.make_node("Add", [total, node.input[index]], [result], name=name))
            total = result
    _replace(graph, nodes)


def _flatten_biases(graph: onnx.GraphProto, weights: Mapping[str, Array]) -> None:
    """A bias [1, N] of a Gemm as [N]: onnxruntime cannot quantize the other per channel."""
    for node in graph.node:
        if node.op_type == "Gemm" and len(node.input) == 3:
            bias = weights.get(node.input[2])
            if bias is not None and bias.ndim == 2 and bias.shape[0] == 1:
                name = f"{node.input[2]}.flat"
                if all(weight.name != name for weight in graph.initializer):
                    graph.initializer.append(numpy_helper.from_array(bias.reshape(-1), name))
                node.input[2] = name


def _fold_into_norms(graph: onnx.GraphProto, weights: Mapping[str, Array]) -> None:
    """Mul and Add with a value per channel, behind a batch norm, as its factor and offset."""
    readers = Counter(value for node in graph.node for value in node.input)
    readers.update(value.name for value in graph.output)
    by_input = {value: node for node in graph.node for value in node.input}
    dropped = []
    for norm in graph.node:
        if norm.op_type != "BatchNormalization" or len(norm.output) != 1:
            continue
        if any(name not in weights for name in norm.input[1:3]):
            continue
        scale, offset = weights[norm.input[1]], weights[norm.input[2]]
        factor, shift, folded = np.ones_like(scale), np.zeros_like(offset), 0
        while readers[norm.output[0]] == 1 and norm.output[0] in by_input:
            behind = by_input[norm.output[0]]
            value = _per_channel(behind, norm.output[0], weights, len(scale))
            if value is None:
                break
            if behind.op_type == "Mul":
                factor, shift = factor * value, shift * value
            else:
                shift = shift + value
            norm.output[0] = behind.output[0]
            dropped.append(behind)
            folded += 1
        if folded:
            for index, new in ((1, scale * factor), (2, offset * factor + shift)):
                name = f"{norm.output[0]}.folded{index}"
                graph.initializer.append(numpy_helper.from_array(new.astype(scale.dtype), name))
                norm.input[index] = name
    _replace(graph, [node for node in graph.node if not any(node is other for other in dropped)])


def _per_channel(
    node: onnx.NodeProto, x: str, weights: Mapping[str, Array], channels: int
) -> Array | None:
    """What a Mul or Add does to each channel of the image `x`; None: something else."""
    if node.op_type not in ("Mul", "Add") or len(node.input) != 2:
        return None
    other = node.input[1] if node.input[0] == x else node.input[0]
    value = weights.get(other)
    if value is None or value.ndim not in (3, 4) or value.shape[-3:] != (channels, 1, 1):
        return None
    return value.reshape(-1) if value.size == channels else None


def _drop_unused(graph: onnx.GraphProto) -> None:
    """Weights that nothing reads any more."""
    used = {value for node in graph.node for value in node.input}
    for weight in [weight for weight in graph.initializer if weight.name not in used]:
        graph.initializer.remove(weight)


def _replace(graph: onnx.GraphProto, nodes: list[onnx.NodeProto]) -> None:
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)
