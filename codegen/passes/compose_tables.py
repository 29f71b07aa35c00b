# SPDX-License-Identifier: Apache-2.0
"""Turn chains of pointwise ops into one table.

A pointwise op computes every output byte from the input byte in the same place: a clip, a change of
scale, a table. So does the sum or product of two functions of one tensor, as in x * sigmoid(x). Any
chain of them is a function of 256 values.

Before: any valid graph. After: the same results; each such chain is one table look-up, which
`fuse_output_stage` moves into the op that produces its input.

    s = sigmoid(x); y = x * s   ->   y = table(x)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from accel.config import AccelConfig
from accel.numerics import Int8Array, look_up
from codegen import ir
from codegen.bands import POINT
from codegen.pointwise import EVERY, of_pool, of_two


@dataclass(frozen=True, slots=True, eq=False)
class _Function:
    """A tensor as a function of another."""

    root: str
    table: Int8Array
    nodes: tuple[str, ...] = ()
    """ONNX nodes of the chain, in order."""


def compose_tables(graph: ir.Graph, config: AccelConfig) -> ir.Graph:
    """Compose chains of pointwise ops; what nobody reads any more is gone."""
    if not config.tables:
        return graph
    functions: dict[str, _Function] = {}
    ops = []
    for op in graph.ops:
        found = _function(op, graph.tensors, functions)
        if found is None:
            ops.append(op)
            continue
        functions[op.output] = found
        ops.append(_composed(op, found) if _is_chain(op, found) else op)
    return ir.live(replace(graph, ops=tuple(ops)))


def _function(
    op: ir.Op, tensors: Mapping[str, ir.Tensor], functions: Mapping[str, _Function]
) -> _Function | None:
    """`op.output` as a function of one tensor, if it is one."""

    def of(name: str) -> _Function:
        return functions.get(name, _Function(name, EVERY))

    match op:
        case ir.Pool() if op.window == POINT:
            x = of(op.input)
            table = of_pool(op, x.table)
        case ir.Add() | ir.Mul():
            x, other = of(op.a), of(op.b)
            if x.root != other.root or tensors[op.a].shape != tensors[op.b].shape:
                return None
            x = replace(x, nodes=tuple(dict.fromkeys((*x.nodes, *other.nodes))))
            table = of_two(op, x.table, other.table)
        case _:
            return None
    if op.table is not None:
        table = look_up(op.table, table)
    return _Function(x.root, table, (*x.nodes, op.source.node))


def _is_chain(op: ir.Op, found: _Function) -> bool:
    """A clip or change of scale alone needs no table."""
    return len(found.nodes) > 1 or not isinstance(op, ir.Pool)


def _composed(op: ir.Op, found: _Function) -> ir.Pool:
    source = replace(op.source, node="+".join(dict.fromkeys(found.nodes)))
    return ir.Pool(
        f"table_{op.source.index}",
        source,
        found.root,
        op.output,
        ir.PoolKind.MAX,
        POINT,
        ir.clipping(),
        table=np.ascontiguousarray(found.table),
    )
