# SPDX-License-Identifier: Apache-2.0
"""Let convolutions pad by themselves what is padded before them.

Before: pads (1x1 convolutions of one channel each with weight 1, whose own padding is the border).
After: convolutions behind one have its padding. A pad that nobody else reads is gone.

    b = pad(a, 1); c = conv(b)   ->   c = conv(a, padding 1)
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from accel.config import AccelConfig
from codegen import ir
from codegen.fits import reason
from codegen.identity import is_identity


def fold_pads(graph: ir.Graph, config: AccelConfig) -> ir.Graph:
    """Fold pads into the convolutions that read them, where the result fits."""
    pads: dict[str, ir.Conv] = {}
    ops: list[ir.Op] = []
    for op in graph.ops:
        ops.append(op)
        if not isinstance(op, ir.Conv):
            continue
        before = pads.get(op.input)
        if before is not None and _same_border(before, op, graph):
            folded = _folded(op, before)
            if not reason(folded, graph.tensors, config):
                ops[-1] = folded
        last = ops[-1]
        if isinstance(last, ir.Conv) and _is_pad(last):
            pads[last.output] = last
    return ir.live(replace(graph, ops=tuple(ops))) if pads else graph


def _is_pad(conv: ir.Conv) -> bool:
    """Whether a convolution only adds a border."""
    point = replace(conv.window, padding=(0, 0, 0, 0)) == ir.Window2d((1, 1))
    ones = conv.groups == len(conv.weight) and bool(np.all(conv.weight == 1))
    plain = conv.overhead and conv.residual is None and conv.table is None
    return point and ones and plain and is_identity(conv.requant)


def _same_border(pad: ir.Conv, conv: ir.Conv, graph: ir.Graph) -> bool:
    """Whether both pad with the same value."""
    return graph.tensors[pad.input].zero_point == graph.tensors[conv.input].zero_point


def _folded(conv: ir.Conv, pad: ir.Conv) -> ir.Conv:
    top, left, bottom, right = (
        a + b for a, b in zip(conv.window.padding, pad.window.padding, strict=True)
    )
    window = replace(conv.window, padding=(top, left, bottom, right))
    node = "+".join(dict.fromkeys((pad.source.node, conv.source.node)))
    return replace(conv, input=pad.input, window=window, source=replace(conv.source, node=node))
