# SPDX-License-Identifier: Apache-2.0
"""Partition an integer Relax module: composites, legality, regions with `Codegen = tessera`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tvm import relax
from tvm.ir import Call, GlobalVar
from tvm.relax.backend.utils import has_leaking_intermediate_variables
from tvm.relax.dpl.pattern import DFPattern
from tvm.relax.transform import FusionPattern

from accel.config import AccelConfig
from codegen.partition.heads import Heads, find_heads
from codegen.partition.legality import refusal
from codegen.partition.patterns import PREFIX, Pattern, pattern_table

REMEDY = "; set "
"""In reasons that a configuration would remove: those of other patterns say less."""
MADE_BY = "tessera_made_by"
"""Attribute of a composite: name of the variable it computes."""


@dataclass(frozen=True, slots=True)
class Partitioned:
    """A module whose offloaded regions are functions with attribute Codegen = "tessera"."""

    module: Any
    refusals: dict[str, str]
    """Variable name of a match that stays on the host -> why."""
    table: tuple[Pattern, ...]


def partition(module: Any, config: AccelConfig, *, per_op: bool = False) -> Partitioned:
    """Claim what the accelerator can execute.

    Args:
        module: integer Relax module (`integerize`).
        config: the hardware.
        per_op: make every composite a region of its own, to compare layer by layer.
    """
    table = pattern_table()
    refusals: dict[str, str] = {}
    makers, heads = _Makers(), find_heads(module)
    patterns = [
        FusionPattern(
            f"{PREFIX}.{p.name}",
            p.root,
            {**p.parts, "root": p.root},
            _check(p, config, heads, refusals, makers),
            makers.attributes,
        )
        for p in table
    ]
    module = relax.transform.FuseOpsByPattern(
        patterns, bind_constants=True, annotate_codegen=per_op
    )(module)
    if not per_op:
        module = relax.transform.MergeCompositeFunctions()(module)
    return Partitioned(_name_regions(module), refusals, table)


def _name_regions(module: Any) -> Any:
    """Give the regions short symbols, numbered in execution order."""
    order = [
        binding.value.op
        for block in module["main"].body.blocks
        for binding in block.bindings
        if isinstance(binding.value, Call) and isinstance(binding.value.op, GlobalVar)
    ]
    for number, variable in enumerate(dict.fromkeys(order)):
        function = module[variable]
        if function.attrs is not None and function.attrs.get("Codegen", None) == PREFIX:
            module.update_func(variable, function.with_attr("global_symbol", f"{PREFIX}_{number}"))
    return module


class _Makers:
    """Remembers which variable an accepted match was bound to.

    The variable's name says which ONNX nodes it came from. Fusing drops the name, so it becomes an
    attribute of the composite.
    """

    def __init__(self) -> None:
        self._names: list[tuple[Any, str]] = []

    def remember(self, root: Any, name: str) -> None:
        """Called when a match is accepted."""
        self._names.append((root, name))

    def attributes(self, matched: Any) -> dict[str, str]:
        """Attributes of the composite function of a match."""
        root = matched["root"]
        return {MADE_BY: next((n for e, n in reversed(self._names) if e.same_as(root)), "")}


def _check(
    pattern: Pattern,
    config: AccelConfig,
    heads: Heads,
    refusals: dict[str, str],
    makers: _Makers,
) -> Callable[[Any], bool]:
    def check(context: Any) -> bool:
        if has_leaking_intermediate_variables(context):
            return False
        parts = {name: context.annotated_expr[name] for name in pattern.parts}
        output = context.matched_expr
        why = refusal(pattern.name, parts, output, config)
        bound = context.value_to_bound_var.get(output, None)
        name = "" if bound is None else str(bound.name)
        bound_to = (context.value_to_bound_var.get(e, e) for e in parts.values())
        read = [str(e.name) for e in bound_to if isinstance(e, relax.Var)]
        why = why or heads.refusal(pattern.name, name, read)
        if not why:
            refusals.pop(name, None)  # another pattern did not take it
            makers.remember(output, name)
            return True
        if REMEDY not in refusals.get(name, ""):
            refusals[name] = why
        return False

    return check


def matched_parts(pattern: Pattern, function: Any) -> dict[str, Any]:
    """Parts of a composite function that `pattern` made."""
    bindings = relax.analysis.get_var2val(function)
    found = pattern.root.extract_matched_expr(bindings[function.body.body], bindings)
    by_pattern: dict[DFPattern, Any] = dict(found.items())
    return {
        name: next(e for p, e in by_pattern.items() if p.same_as(part))
        for name, part in pattern.parts.items()
    }


def host_variables(module: Any) -> set[str]:
    """Variables of `main` that are computed there, not in a region."""
    return {
        str(binding.var.name)
        for block in module["main"].body.blocks
        for binding in block.bindings
        if not isinstance(getattr(binding.value, "op", None), GlobalVar)
    }
