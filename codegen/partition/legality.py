# SPDX-License-Identifier: Apache-2.0
"""May the accelerator take this match?

Each rule's doc string is the rule; it returns the reason why not, with the values, or "" when it
holds.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from accel.config import AccelConfig
from codegen import ir
from codegen.fits import reason
from codegen.partition.build import Parts, build
from codegen.partition.values import dtype_of, shape_of
from codegen.partition.views import HEADS, default_axes, head_axes, shape_under

RANKS = (2, 3, 4)
SPLITS = (HEADS, (0, 2, 3, 1))
"""Permutations behind [N, M, heads, C] that give heads, or transposed heads."""
RENAMES = frozenset({"reshape", "split_heads", "merge_heads"})
"""Patterns that move no data."""


def activations_are_images_or_rows(
    kind: str, parts: Parts, output: Any, config: AccelConfig
) -> str:
    """Activations are int8, and [N, C, H, W], [N, M, C] or [M, C]."""
    for expr in (*(parts[key] for key in ("x", "a", "b") if key in parts), output):
        shape, dtype = shape_of(expr), dtype_of(expr)
        if len(shape) not in RANKS or dtype != "int8":
            return f"{dtype} {list(shape)} is not int8 [N, C, H, W], [N, M, C] or [M, C]"
    return ""


def _default_shape(shape: tuple[int, ...]) -> ir.Shape | None:
    return shape_under(default_axes(len(shape)), shape) if len(shape) in RANKS else None


def reshape_only_renames(kind: str, parts: Parts, output: Any, config: AccelConfig) -> str:
    """A reshape on its own only adds or drops H = W = 1; others are absorbed before dense only."""
    if kind != "reshape":
        return ""
    before, after = shape_of(parts["x"]), shape_of(output)
    if _default_shape(before) == _default_shape(after):
        return ""
    return f"{list(before)} to {list(after)} moves data; only a flatten before dense is absorbed"


def flatten_keeps_the_batch(kind: str, parts: Parts, output: Any, config: AccelConfig) -> str:
    """A flatten before dense goes from [N, C, H, W] to [N, C * H * W]."""
    if kind != "flatten_dense":
        return ""
    before, after = shape_of(parts["x"]), shape_of(output)
    whole = len(before) == 4 and prod(before[1:]) == shape_of(parts["weight"])[0]
    return "" if whole and before[0] == after[0] else f"{list(before)} is not flattened"


def matrices_are_rows(kind: str, parts: Parts, output: Any, config: AccelConfig) -> str:
    """A dense layer reads rows of channels, [M, C] or [N, M, C]."""
    rank = len(shape_of(output))
    return f"a matrix of rank {rank}" if kind == "dense" and rank == 4 else ""


def heads_are_split_for_products(kind: str, parts: Parts, output: Any, config: AccelConfig) -> str:
    """Heads are split from rows: [..., H * C] to [N, H, M, C] or [N, H, C, M]."""
    if kind != "split_heads":
        return ""
    before, after = shape_of(parts["x"]), shape_of(output)
    between = shape_of(parts["split"])
    axes = tuple(int(axis) for axis in parts["core"].attrs.axes or ())
    rows = len(before) in (2, 3) and len(between) == 4
    if rows and axes in SPLITS and before[-1] == between[2] * between[3]:
        return ""
    return f"{list(before)} to {list(between)} to {list(after)} splits no heads from rows"


def heads_are_merged_to_rows(kind: str, parts: Parts, output: Any, config: AccelConfig) -> str:
    """Heads are merged to rows: [N, H, M, C] to [N, M, H * C] or [N * M, H * C]."""
    if kind != "merge_heads":
        return ""
    before, after = shape_of(parts["x"]), shape_of(output)
    axes = tuple(int(axis) for axis in parts["moved"].attrs.axes or ())
    if len(before) == 4 and axes == HEADS and after[-1] == before[1] * before[3]:
        return ""
    return f"{list(before)} to {list(after)} merges no heads to rows"


def op_fits_the_hardware(kind: str, parts: Parts, output: Any, config: AccelConfig) -> str:
    """The op's sizes fit the command fields, and its smallest tile the configured memories."""
    if kind in RENAMES:
        return ""
    names = {key: key for key in ("x", "a", "b") if key in parts}
    op = build(kind, parts, ir.Source("", 0), names, "y")
    tensors = {}
    for key, expr in (*((key, parts[key]) for key in names), ("y", output)):
        shape = shape_of(expr)
        axes = head_axes(len(shape)) if kind == "batch_matmul" else default_axes(len(shape))
        tensors[key] = ir.Tensor(key, shape_under(axes, shape))
    return reason(op, tensors, config)


RULES: tuple[Callable[[str, Parts, Any, AccelConfig], str], ...] = (
    activations_are_images_or_rows,
    reshape_only_renames,
    flatten_keeps_the_batch,
    matrices_are_rows,
    heads_are_split_for_products,
    heads_are_merged_to_rows,
    op_fits_the_hardware,
)


def refusal(kind: str, parts: Parts, output: Any, config: AccelConfig) -> str:
    """Why a match stays on the host: "rule: detail", or "" when the accelerator takes it."""
    for rule in RULES:
        detail = rule(kind, parts, output, config)
        if detail:
            return f"{rule.__name__}: {detail}"
    return ""
