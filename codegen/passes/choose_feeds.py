# SPDX-License-Identifier: Apache-2.0
"""Choose layouts for the inputs of convolutions that can put kernel taps on the lanes.

Before: a graph whose every op fits at its smallest tile. After: the same ops; tensors say whether
they are packed (few channels without gap, for FOLD) and which rows must lie in different banks
(for FOLD and DEPTHWISE). `codegen/feed.py` reads a convolution's mode from that.

    image [1, 96, 96, 3], read by a 3x3 convolution   ->   packed, 3 rows in different banks
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from accel.banks import Gather, banked_pitch
from accel.config import AccelConfig
from codegen import ir, moves
from codegen.feed import depthwise, fold
from codegen.fits import reason

Tensors = Mapping[str, ir.Tensor]


def choose_feeds(graph: ir.Graph, config: AccelConfig) -> ir.Graph:
    """Annotate the tensors of `graph`."""
    tensors: Tensors = dict(graph.tensors)
    for port in graph.inputs:
        tensors = _packed(port.tensor, graph, tensors, config)
    for op in graph.ops:
        if isinstance(op, ir.Conv) and not tensors[op.input].packed:
            taps = depthwise(op, config)
            if taps is not None:
                wanted = taps.gather(op, config)
                whole = ir.whole_of(op.input, tensors)
                tensors = _banked(whole, wanted, graph, tensors, config)
    return replace(graph, tensors=dict(tensors))


def _packed(name: str, graph: ir.Graph, tensors: Tensors, config: AccelConfig) -> Tensors:
    """Pack graph input `name` if every reader is a convolution that can fold it."""
    moved = {read for move in graph.moves for read in moves.reads(move)}
    if name in {port.tensor for port in graph.outputs} | moved | ir.families(tensors).keys():
        return tensors
    gathers: list[Gather] = []
    for op in graph.ops:
        if name not in ir.reads(op):
            continue
        if not isinstance(op, ir.Conv) or op.residual == name:
            return tensors
        found = fold(op, config)
        if found is None:
            return tensors
        gathers.append(found.gather(op, config))
    tensor = replace(tensors[name], packed=True, gathers=tuple(dict.fromkeys(gathers)))
    return _accepted(tensor, graph, tensors, config)


def _banked(
    name: str, wanted: Gather, graph: ir.Graph, tensors: Tensors, config: AccelConfig
) -> Tensors:
    """Let rows of `name` be gathered as `wanted`, beside what others want of it."""
    gathers = tuple(dict.fromkeys((*tensors[name].gathers, wanted)))
    return _accepted(replace(tensors[name], gathers=gathers), graph, tensors, config)


def _accepted(tensor: ir.Tensor, graph: ir.Graph, tensors: Tensors, config: AccelConfig) -> Tensors:
    """`tensors` with `tensor`, if there is such a layout and its ops still fit."""
    if banked_pitch(0, tensor.gathers, config) is None:
        return tensors
    changed = {**tensors, tensor.name: tensor}
    family = ir.families(tensors).get(tensor.name, frozenset({tensor.name}))
    if any(tensors[name].shape[2] != tensor.shape[2] for name in family):
        return tensors  # rows of different lengths in the same place need rows without gaps
    users = (op for op in graph.ops if family & {op.output, *ir.reads(op)})
    return tensors if any(reason(op, changed, config) for op in users) else changed
