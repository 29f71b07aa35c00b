# SPDX-License-Identifier: Apache-2.0
"""May the accelerator take this match?

Each rule's doc string is the rule; it returns the reason why not, with the values, or "" when it
holds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from accel.config import AccelConfig
from codegen import ir
from codegen.fits import reason
from codegen.partition.build import Parts, build, nhwc, shape_of


def activations_are_images_or_rows(
    kind: str, parts: Parts, output: Any, config: AccelConfig
) -> str:
    """Activations are [N, C, H, W] or [M, C] and int8."""
    for expr in (*(parts[key] for key in ("x", "a", "b") if key in parts), output):
        shape, dtype = shape_of(expr), str(expr.ty.dtype.dtype)
        if nhwc(shape) is None or dtype != "int8":
            return f"{dtype} {list(shape)} is neither int8 [N, C, H, W] nor int8 [M, C]"
    return ""


def reshape_only_renames(kind: str, parts: Parts, output: Any, config: AccelConfig) -> str:
    """A reshape on its own only adds or drops H = W = 1; others are absorbed before dense only."""
    if kind != "reshape":
        return ""
    before, after = shape_of(parts["x"]), shape_of(output)
    if nhwc(before) is not None and nhwc(before) == nhwc(after):
        return ""
    return f"{list(before)} to {list(after)} moves data; only a flatten before dense is absorbed"


def flatten_keeps_the_batch(kind: str, parts: Parts, output: Any, config: AccelConfig) -> str:
    """A flatten before dense goes from [N, C, H, W] to [N, C * H * W]."""
    if kind != "flatten_dense":
        return ""
    before, after = shape_of(parts["x"]), shape_of(output)
    return "" if len(before) == 4 and before[0] == after[0] else f"{list(before)} is no flatten"


def op_fits_the_hardware(kind: str, parts: Parts, output: Any, config: AccelConfig) -> str:
    """The op's sizes fit the command fields, and its smallest tile the configured memories."""
    if kind == "reshape":
        return ""
    names = {key: key for key in ("x", "a", "b") if key in parts}
    op = build(kind, parts, ir.Source("", 0), names, "y")
    tensors = {}
    for key, expr in (*((key, parts[key]) for key in names), ("y", output)):
        shape = nhwc(shape_of(expr))
        assert shape is not None
        tensors[key] = ir.Tensor(key, shape)
    return reason(op, tensors, config)


RULES: tuple[Callable[[str, Parts, Any, AccelConfig], str], ...] = (
    activations_are_images_or_rows,
    reshape_only_renames,
    flatten_keeps_the_batch,
    op_fits_the_hardware,
)


def refusal(kind: str, parts: Parts, output: Any, config: AccelConfig) -> str:
    """Why a match stays on the host: "rule: detail", or "" when the accelerator takes it."""
    for rule in RULES:
        detail = rule(kind, parts, output, config)
        if detail:
            return f"{rule.__name__}: {detail}"
    return ""
