# SPDX-License-Identifier: Apache-2.0
"""The neutral graph as a whole."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from codegen.ir.ops import Op, reads
from codegen.ir.tensors import Port, Tensor, families
from codegen.moves import Move


@dataclass(frozen=True, slots=True)
class Graph:
    """An offloaded subgraph."""

    name: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    tensors: dict[str, Tensor] = field(default_factory=dict)
    ops: tuple[Op, ...] = ()
    moves: tuple[Move, ...] = ()


def live(graph: Graph) -> Graph:
    """`graph` without ops and tensors that no output needs."""
    family = families(graph.tensors)
    needed: set[str] = set()

    def need(*names: str) -> None:
        for name in names:
            needed.update(family.get(name, {name}))

    need(*(port.tensor for port in graph.outputs))
    ops: list[Op] = []
    for op in reversed(graph.ops):
        if op.output in needed:
            ops.append(op)
            need(*reads(op))
    needed.update(port.tensor for port in graph.inputs)
    tensors = {name: tensor for name, tensor in graph.tensors.items() if name in needed}
    return replace(graph, tensors=tensors, ops=tuple(reversed(ops)))
