# SPDX-License-Identifier: Apache-2.0
"""Take ops off the border of a neutral graph."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from codegen import ir


def members(graph: ir.Graph, fused: ir.Graph) -> dict[str, tuple[ir.Op, ...]]:
    """For each op of the fused graph the ops of the original one that it stands for."""
    maker = {op.output: op for op in graph.ops}
    found = {}
    for op in fused.ops:
        stop, todo = set(ir.reads(op)), [op.output]
        inside: dict[str, ir.Op] = {}
        while todo:
            made = maker.get(todo.pop())
            if made is not None and made.name not in inside:
                inside[made.name] = made
                todo += [name for name in ir.reads(made) if name not in stop]
        found[op.name] = tuple(inside.values())
    return found


def border(graph: ir.Graph) -> Iterator[ir.Op]:
    """Ops that read no other op's result, and ops whose result no other op reads."""
    made = {op.output for op in graph.ops}
    read = {name for op in graph.ops for name in ir.reads(op)}
    for op in graph.ops:
        if not made.intersection(ir.reads(op)) or op.output not in read:
            yield op


def without(graph: ir.Graph, gone: ir.Op) -> ir.Graph:
    """`graph` less an op of its border; what the op read from others becomes an output."""
    ops = tuple(op for op in graph.ops if op is not gone)
    made = {op.output for op in ops}
    read = {name for op in ops for name in ir.reads(op)}
    ports = {port.tensor: port for port in (*graph.inputs, *graph.outputs)}

    def port(name: str) -> ir.Port:
        return ports.get(name, ir.Port(name, graph.tensors[name].shape, (0, 1, 2, 3)))

    wanted = dict.fromkeys([*(p.tensor for p in graph.outputs), *ir.reads(gone)])
    return replace(
        graph,
        inputs=tuple(port(name) for name in graph.tensors if name in read - made),
        outputs=tuple(port(name) for name in wanted if name in made),
        tensors={n: t for n, t in graph.tensors.items() if n in made | read},
        ops=ops,
    )
