# SPDX-License-Identifier: Apache-2.0
"""Make an op of the neutral graph from the parts of a matched pattern."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from codegen import ir
from codegen.partition import elements, pools, products
from codegen.partition.place import Place
from codegen.partition.requant import scalar, zeros_of
from codegen.partition.values import Parts


def build(
    kind: str, parts: Parts, source: ir.Source, names: Mapping[str, str], output: str
) -> ir.Op:
    """Make the op.

    Args:
        kind: name of the pattern.
        parts: matched expressions by the pattern's part names.
        source: where it comes from.
        names: operand part ("x", or "a" and "b") -> tensor name.
        output: tensor name of the result.
    """
    return _BUILDERS[kind](parts, Place(f"{kind}_{source.index}", source, names, output))


def input_zero_points(kind: str, parts: Parts) -> dict[str, int]:
    """Zero points of the operands, as far as the op knows them."""
    if kind in ("add", "mul", "batch_matmul"):
        return dict(zip(("a", "b"), zeros_of(parts), strict=True))
    if kind == "pad":  # frontend/islands/moves.py pads with zero points only
        return {"x": int(parts["core"].attrs.pad_value)}
    return {"x": scalar(parts["x_zp"])} if "x_zp" in parts else {}


_BUILDERS: dict[str, Callable[[Parts, Place], ir.Op]] = {
    "conv2d": products.conv2d,
    "conv2d_transpose": products.conv2d_transpose,
    "dense": products.dense,
    "flatten_dense": products.flatten_dense,
    "batch_matmul": products.batch_matmul,
    "affine": products.affine,
    "global_average_pool": pools.global_average_pool,
    "max_pool2d": pools.max_pool2d,
    "add": elements.add,
    "mul": elements.mul,
    "rescale": elements.rescale,
    "clip": elements.clip,
    "table": elements.table,
    "repeat": elements.repeat,
    "pad": elements.pad,
}
"""By pattern name; those that only rename a tensor make no op."""
