# SPDX-License-Identifier: Apache-2.0
"""Let convolutions read the channels they want where these are, instead of having them picked.

Before: selections (1x1 convolutions with one 1 per output channel, see `place_parts`). After: each
dense convolution behind one has its weights on the channels of the selection's own input, zeros on
the others. A selection that nobody else reads is gone.

    b = a[.., [0, 2, 1]]; c = conv(b, w)   ->   c = conv(a, w[.., [0, 2, 1]])
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeGuard

import numpy as np

from accel.config import AccelConfig
from codegen import ir
from codegen.fits import reason
from codegen.identity import is_identity


def fold_selections(graph: ir.Graph, config: AccelConfig) -> ir.Graph:
    """Fold selections into the dense convolutions that read them, where the result fits."""
    selections: dict[str, ir.Conv] = {}
    ops: list[ir.Op] = []
    for op in graph.ops:
        ops.append(op)
        if not isinstance(op, ir.Conv) or op.groups > 1:
            continue
        if op.input in selections:
            folded = _folded(op, selections[op.input], graph)
            if not reason(folded, graph.tensors, config):
                ops[-1] = folded
        if is_selection(ops[-1]):
            selections[op.output] = ops[-1]
    return ir.live(replace(graph, ops=tuple(ops))) if selections else graph


def is_selection(conv: ir.Op) -> TypeGuard[ir.Conv]:
    """Whether every output channel is one of the input's."""
    if not isinstance(conv, ir.Conv):
        return False
    plain = conv.overhead and conv.residual is None and conv.table is None and conv.groups == 1
    if not plain or conv.weight.shape[1:3] != (1, 1) or conv.window.stride != (1, 1):
        return False
    ones = (conv.weight != 0).sum(axis=(1, 2, 3)) == 1
    return bool(ones.all()) and is_identity(conv.requant)


def _folded(conv: ir.Conv, selection: ir.Conv, graph: ir.Graph) -> ir.Conv:
    """`conv` with the input of `selection`; its padding holds the same value there."""
    weight = conv.weight.astype(np.int32) @ selection.weight[:, 0, 0].astype(np.int32)
    zero_points = {graph.tensors[name].zero_point for name in (conv.input, selection.input)}
    if weight.min() < -128 or weight.max() > 127 or len(zero_points) > 1:  # picked more than once
        return conv
    idle = weight.shape[3] - conv.weight.shape[3] + conv.idle
    return replace(conv, input=selection.input, weight=weight.astype(np.int8), idle=idle)
