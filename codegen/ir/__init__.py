# SPDX-License-Identifier: Apache-2.0
"""The neutral graph: what an offloaded subgraph computes, in integers, free of any front end.

    Graph  := inputs: Port*, outputs: Port*, tensors: Tensor*, ops: Op* in execution order,
              moves: Move*
    Op     := Conv | MatMul | Pool | Add | Mul | Mosaic
    Move   := Concat | Take | Recast                                    (moves.py)
    Tensor := int8, logical shape [N, H, W, C]

A two-dimensional [M, C] activation is the tensor (M, 1, 1, C); dense is a 1x1 convolution; a dense
layer behind a flatten of [N, H, W, C] is a convolution with an H x W kernel. uint8 has been shifted
to int8. Every number here is exact: see accel/numerics.py for the arithmetic.
"""

from codegen.ir.graph import Graph, live
from codegen.ir.ops import (
    Add,
    Conv,
    MatMul,
    Mosaic,
    Mul,
    Op,
    Patch,
    Pool,
    PoolKind,
    Source,
    Window2d,
    holds_input,
    patch_tensors,
    reads,
    weights_of,
)
from codegen.ir.rules import AddRule, MulRule, Requant, Table, Tail, clipping
from codegen.ir.tensors import Part, Port, Shape, Tensor, families, whole_of

__all__ = [
    "Add",
    "AddRule",
    "Conv",
    "Graph",
    "MatMul",
    "Mosaic",
    "Mul",
    "MulRule",
    "Op",
    "Part",
    "Patch",
    "Pool",
    "PoolKind",
    "Port",
    "Requant",
    "Shape",
    "Source",
    "Table",
    "Tail",
    "Tensor",
    "Window2d",
    "clipping",
    "families",
    "holds_input",
    "live",
    "patch_tensors",
    "reads",
    "weights_of",
    "whole_of",
]
