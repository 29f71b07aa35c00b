# SPDX-License-Identifier: Apache-2.0
"""Names that carry ONNX nodes through a compiler: `node3x7x` says "made by the nodes 3 and 7"."""

from __future__ import annotations

import re

import onnx

_HINT = re.compile(r"node((?:\d+x)+)")


def name_nodes(model: onnx.ModelProto) -> tuple[str, ...]:
    """Rename every node after its index in the graph; returns the readable names."""
    readable = tuple(node.name or f"{node.op_type}:{node.output[0]}" for node in model.graph.node)
    for index, node in enumerate(model.graph.node):
        node.name = merge_indices((index,))
    return readable


def readable(message: str, names: tuple[str, ...]) -> str:
    """A message with the nodes' own names."""
    return _HINT.sub(lambda match: node_names(match.group(), names), message)


def merge_indices(indices: tuple[int, ...]) -> str:
    """Name of what the nodes with these indices made."""
    return "node" + "".join(f"{index}x" for index in indices)


def merge_hints(*hints: str) -> str:
    """Name of a variable that several nodes made; `node_indices` reads it back."""
    return merge_indices(tuple(sorted({i for hint in hints for i in node_indices(hint)})))


def node_indices(hint: str) -> tuple[int, ...]:
    """Indices of the ONNX nodes in a variable's name."""
    match = _HINT.match(hint)
    return tuple(int(i) for i in match.group(1).split("x") if i) if match else ()


def node_names(hint: str, nodes: tuple[str, ...]) -> str:
    """Readable names of the ONNX nodes in a variable's name, joined by "+"."""
    return "+".join(nodes[index] for index in node_indices(hint))
