# SPDX-License-Identifier: Apache-2.0
"""Where attention splits rows into heads for a product of activations, and merges them behind one.

Only there are they renamed instead of moved: a pattern sees the split, not what reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tvm import relax
from tvm.ir import Call

ZEROING = ("relax.astype", "relax.subtract")
"""What is between an activation and a product that reads it."""


@dataclass(frozen=True, slots=True)
class Heads:
    """Names of variables of an integer module."""

    operands: frozenset[str]
    """Read by products of activations, and by nothing else."""
    results: frozenset[str]
    """Computed from such a product alone."""

    def refusal(self, kind: str, name: str) -> str:
        """Why a split or merge of heads moves data, or ""."""
        if kind == "split_heads" and name not in self.operands:
            return "heads_are_split_for_products: other ops than products of activations read them"
        if kind == "merge_heads" and name not in self.results:
            return "heads_are_merged_to_rows: they do not come from a product of activations"
        return ""


def find_heads(module: Any) -> Heads:
    """Look at `main` of an integer module."""
    bindings = [b for block in module["main"].body.blocks for b in block.bindings]
    values = {binding.var: binding.value for binding in bindings}
    readers: dict[Any, list[Any]] = {}
    for variable, value in values.items():
        for argument in value.args if isinstance(value, Call) else ():
            if isinstance(argument, relax.Var):
                readers.setdefault(argument, []).append(variable)

    def feeds_products(variable: Any) -> bool:
        found = readers.get(variable, [])
        return bool(found) and all(
            _is_product(values[reader])
            or (_name(values[reader]) in ZEROING and feeds_products(reader))
            for reader in found
        )

    def comes_from_product(variable: Any) -> bool:
        value = values.get(variable)
        while isinstance(value, Call) and not _is_product(value):
            value = values.get(value.args[0])
        return _is_product(value)

    return Heads(
        frozenset(str(v.name) for v in values if feeds_products(v)),
        frozenset(str(v.name) for v in values if comes_from_product(v)),
    )


def _is_product(value: Any) -> bool:
    """A matrix product of two activations."""
    return _name(value) == "relax.matmul" and isinstance(value.args[1], relax.Var)


def _name(value: Any) -> str:
    return str(getattr(value.op, "name", "")) if isinstance(value, Call) else ""
