# SPDX-License-Identifier: Apache-2.0
"""Flexible matching: an equal form of a model that is in the accelerator's words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tvm import IRModule, relax, tirx

from accel.config import AccelConfig
from codegen.rewrite.extract import FINE, extract
from codegen.rewrite.rebuild import Rebuilder
from codegen.rewrite.rules import GROUPS
from codegen.rewrite.saturate import saturate
from codegen.rewrite.terms import Reader
from codegen.rewrite.windows import WIDEST

LEAST_GAIN = 8
"""Less is the place of a reshape, which the integer form moves anyway."""


def rewrite(module: Any, widest: int = WIDEST, groups: Sequence[str] = tuple(GROUPS)) -> Any:
    """An equal module of which more meets the pattern table.

    Args:
        module: float QDQ Relax, as `onnx_import.import_onnx` gives it.
        widest: columns of a kernel that the hardware can hold (`widest_kernel`).
        groups: rules to use, of `rules.GROUPS`.

    Returns:
        A new module; `module` itself where nothing is gained.
    """
    function = module["main"]
    if not _is_plain(function):
        return module
    model = Reader(function, widest).read()
    classes = saturate(model, groups)
    choice = extract(model, classes)
    if choice.before - choice.cost < LEAST_GAIN * FINE:
        return module
    found = IRModule(dict(module.functions.items()), attrs=module.attrs)
    found.update_func(
        module.get_global_var("main"), Rebuilder(model, classes, choice.nodes).function()
    )
    return found


def widest_kernel(config: AccelConfig) -> int:
    """Columns of a kernel: a row of it is the least that is loaded, twice."""
    return min(WIDEST, config.weight_bytes // (2 * config.weight_tile_bytes))


def _is_plain(function: Any) -> bool:
    """One dataflow block, and sizes that are known."""
    blocks = function.body.blocks
    if len(blocks) != 1 or not isinstance(blocks[0], relax.DataflowBlock):
        return False
    values = [*function.params, *(binding.var for binding in blocks[0].bindings)]
    return all(_is_static(v.ty) for v in values if isinstance(v.ty, relax.TensorType))


def _is_static(kind: Any) -> bool:
    shape = kind.shape
    return isinstance(shape, relax.ShapeExpr) and all(
        isinstance(size, tirx.IntImm) for size in shape.values
    )
