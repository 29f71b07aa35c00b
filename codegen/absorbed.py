# SPDX-License-Identifier: Apache-2.0
"""ONNX nodes that neither accelerator nor host executes: which nodes' execution includes them?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import onnx

MOVES = frozenset(
    {"Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Dropout", "Cast"}
    | {"Concat", "Slice", "Split", "Gather"}
)
"""Ops that can be a matter of how a tensor is seen, or addressed."""


@dataclass(frozen=True, slots=True)
class Absorption:
    """What absorbed a node."""

    how: str
    nodes: tuple[int, ...]
    """Indices of the nodes that include it."""


def absorbed(graph: onnx.GraphProto, nodes: set[int]) -> dict[int, Absorption]:
    """For each of `nodes`, the nearest ones in dataflow that are not among them."""
    maker = {name: i for i, node in enumerate(graph.node) for name in node.output}
    before = {
        i: [maker[name] for name in node.input if name in maker]
        for i, node in enumerate(graph.node)
    }
    after: dict[int, list[int]] = {i: [] for i in before}
    for i, makers in before.items():
        for made in makers:
            after[made].append(i)
    constant = _constants(graph, before)
    found = {}
    for index in sorted(nodes):
        kind = graph.node[index].op_type
        ahead, behind = _nearest(index, after, nodes), _nearest(index, before, nodes)
        if index in constant:
            found[index] = Absorption("a constant of", ahead)
        elif kind == "DequantizeLinear":
            found[index] = Absorption("its scale and zero point are in the arithmetic of", ahead)
        elif kind == "QuantizeLinear":
            found[index] = Absorption("its scale and zero point are in the output of", behind)
        elif kind in MOVES:
            found[index] = Absorption("moves no data: part of", behind or ahead)
        else:
            found[index] = Absorption("folded into", behind or ahead)
    return {i: a if a.nodes else Absorption("nothing is left of it", ()) for i, a in found.items()}


def _constants(graph: onnx.GraphProto, before: Mapping[int, Sequence[int]]) -> set[int]:
    """Nodes that depend on no input of the model."""
    given = {value.name for value in graph.input} - {t.name for t in graph.initializer}
    found: set[int] = set()
    for index, node in enumerate(graph.node):  # in order of execution
        if not given.intersection(node.input) and found.issuperset(before[index]):
            found.add(index)
    return found


def _nearest(start: int, step: Mapping[int, Sequence[int]], through: set[int]) -> tuple[int, ...]:
    """Nodes outside `through` that are reached from `start` by way of nodes in it."""
    found: dict[int, None] = {}
    seen, todo = {start}, [start]
    while todo:
        for index in step[todo.pop()]:
            if index not in through:
                found[index] = None
            elif index not in seen:
                seen.add(index)
                todo.append(index)
    return tuple(sorted(found))
