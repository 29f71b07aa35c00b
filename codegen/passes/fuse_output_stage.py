# SPDX-License-Identifier: Apache-2.0
"""Move what follows a convolution into its output stage: clips, additions, tables, rescalings.

Before: any valid graph. After: the same results with fewer ops, and what fitted the hardware still
fits. An addition goes to the operand that is a convolution used nowhere else (the later one if both
are); the convolution then runs in its place. One that rounds twice stays on its own: only the
vector unit has that rule.

    c = conv(x); d = add(c, r); e = clip(d)   ->   e = conv(x) + r, clipped
    f = table(e)                              ->   f = the same, through the table

Clips and tables move into pools and additions just as well; a change of scale does as a table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from accel.config import AccelConfig
from accel.isa import Rounding
from accel.numerics import look_up
from codegen import ir, moves
from codegen.bands import POINT
from codegen.fits import reason
from codegen.pointwise import EVERY, of_pool


def fuse_output_stage(graph: ir.Graph, config: AccelConfig) -> ir.Graph:
    """Fuse clips and additions where the fused op fits `config`."""
    ops, left = list(graph.ops), graph.moves
    outputs = {port.tensor for port in graph.outputs}
    moved = {name for move in graph.moves for name in (*moves.reads(move), move.output)}
    kept = outputs | moved | ir.families(graph.tensors).keys()
    changed = True
    while changed:
        changed = False
        uses = Counter(name for op in ops for name in ir.reads(op))
        producer = {op.output: index for index, op in enumerate(ops)}
        single = {name for name, count in uses.items() if count == 1 and name not in kept}
        for index, op in enumerate(ops):
            fused = _fuse(op, ops, producer, single, graph.tensors)
            if fused is not None and not reason(fused[1], graph.tensors, config):
                target, result = fused
                ops[index] = result
                del ops[target]
                left = tuple(replace(m, before=m.before - (m.before > target)) for m in left)
                changed = True
                break
    used = kept | {op.output for op in ops} | {name for op in ops for name in ir.reads(op)}
    tensors = {name: t for name, t in graph.tensors.items() if name in used}
    return replace(graph, ops=tuple(ops), tensors=tensors, moves=left)


def _fuse(
    op: ir.Op,
    ops: Sequence[ir.Op],
    producer: dict[str, int],
    single: set[str],
    tensors: Mapping[str, ir.Tensor],
) -> tuple[int, ir.Op] | None:
    """(index of the op that absorbs `op`, the fused op), or None."""
    if isinstance(op, ir.Pool) and op.window == POINT and {op.input} <= single & producer.keys():
        index = producer[op.input]
        before = ops[index]
        clips = op.kind is ir.PoolKind.MAX and op.table is None
        plain = clips and before.table is None
        return index, _clipped(before, op) if plain else _looked_up(before, op)
    if isinstance(op, ir.Add) and op.rule.rounding == Rounding.SINGLE:
        same = tensors[op.a].shape == tensors[op.b].shape and op.a != op.b
        candidates = [
            (producer[name], name == op.b)
            for name in (op.a, op.b)
            if name in single and name in producer and same
        ]
        for index, swapped in sorted(candidates, reverse=True):
            conv = ops[index]
            if isinstance(conv, ir.Conv) and conv.add is None and conv.table is None:
                fused = _with_residual(conv, op, swapped=swapped)
                if fused.add is not None and fused.add.a_zp == conv.requant.tail.zero_point:
                    return index, fused
    return None


def _in_patches(op: ir.Mosaic, pool: ir.Pool, change: Callable[[ir.Op, ir.Pool], ir.Op]) -> ir.Op:
    """`change` in every patch."""
    patches = []
    for patch in op.patches:
        changed = change(patch.op, pool)
        assert isinstance(changed, ir.Conv | ir.Pool)
        patches.append(replace(patch, op=changed))
    source = replace(op.source, node=f"{op.source.node}+{pool.source.node}")
    return replace(op, output=pool.output, source=source, patches=tuple(patches))


def _clipped(op: ir.Op, clip: ir.Pool) -> ir.Op:
    if isinstance(op, ir.Mosaic):
        return _in_patches(op, clip, _clipped)
    bounds = clip.requant.tail
    node = replace(op.source, node=f"{op.source.node}+{clip.source.node}")

    def narrow(tail: ir.Tail) -> ir.Tail:
        low, high = (min(max(v, bounds.lo), bounds.hi) for v in (tail.lo, tail.hi))
        return replace(tail, lo=low, hi=high)

    match op:
        case ir.Conv() if op.add is not None:
            rule = replace(op.add, tail=narrow(op.add.tail))
            return replace(op, output=clip.output, source=node, add=rule)
        case ir.Add():
            added = replace(op.rule, tail=narrow(op.rule.tail))
            return replace(op, output=clip.output, source=node, rule=added)
        case ir.Mul():
            product = replace(op.rule, tail=narrow(op.rule.tail))
            return replace(op, output=clip.output, source=node, rule=product)
        case ir.Conv() | ir.MatMul() | ir.Pool():
            requant = replace(op.requant, tail=narrow(op.requant.tail))
            return replace(op, output=clip.output, source=node, requant=requant)


def _looked_up(op: ir.Op, pool: ir.Pool) -> ir.Op:
    """`op` with the clip and table of `pool` behind its own table."""
    if isinstance(op, ir.Mosaic):
        return _in_patches(op, pool, _looked_up)
    table = of_pool(pool, EVERY if op.table is None else op.table)
    if pool.table is not None:
        table = look_up(pool.table, table)
    node = replace(op.source, node=f"{op.source.node}+{pool.source.node}")
    return replace(op, output=pool.output, source=node, table=table)


def _with_residual(conv: ir.Conv, add: ir.Add, *, swapped: bool) -> ir.Conv:
    rule = add.rule
    if swapped:
        rule = replace(rule, a_zp=rule.b_zp, b_zp=rule.a_zp, a_mult=rule.b_mult, b_mult=rule.a_mult)
    return replace(
        conv,
        source=replace(conv.source, node=f"{conv.source.node}+{add.source.node}"),
        output=add.output,
        residual=add.a if swapped else add.b,
        add=rule,
        table=add.table,
    )
