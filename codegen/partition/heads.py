# SPDX-License-Identifier: Apache-2.0
"""Where attention splits rows into heads for a product of activations, and merges them behind one.

Only there are they renamed instead of moved: a pattern sees the split, not what reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tvm import relax
from tvm.ir import Call

from codegen.refusal import Refusal, rule_of

Values = dict[Any, Any]
"""Variable -> what it is bound to."""
Readers = dict[Any, list[Any]]
"""Variable -> the variables whose values read it."""
ZEROING = ("relax.astype", "relax.subtract")
"""What is between an activation and a product that reads it."""


@dataclass(frozen=True, slots=True)
class Heads:
    """Names of variables of an integer module."""

    operands: frozenset[str]
    """Read by products of activations, and by nothing else."""
    results: frozenset[str]
    """Computed from such a product alone."""

    def refusal(self, kind: str, name: str) -> Refusal | None:
        """Why a split or merge of heads moves data, or None."""
        if kind == "split_heads" and name not in self.operands:
            return rule_of(heads_feed_products).refuse("other ops read the heads")
        if kind == "merge_heads" and name not in self.results:
            return rule_of(heads_come_from_a_product).refuse("other ops made the heads")
        return None


def heads_feed_products(variable: Any, values: Values, readers: Readers) -> bool:
    """Heads that are split from rows are read by products of activations only.

    Remedy: none in the configuration; let MatMul nodes of two activations alone read them.
    """
    found = readers.get(variable, [])
    return bool(found) and all(
        _is_product(values[reader])
        or (_name(values[reader]) in ZEROING and heads_feed_products(reader, values, readers))
        for reader in found
    )


def heads_come_from_a_product(variable: Any, values: Values) -> bool:
    """Heads that are merged to rows come from a product of activations alone.

    Remedy: none in the configuration; merge the heads directly behind the MatMul.
    """
    value = values.get(variable)
    while isinstance(value, Call) and not _is_product(value):
        value = values.get(value.args[0])
    return _is_product(value)


def find_heads(module: Any) -> Heads:
    """Look at `main` of an integer module."""
    bindings = [b for block in module["main"].body.blocks for b in block.bindings]
    values = {binding.var: binding.value for binding in bindings}
    readers: Readers = {}
    for variable, value in values.items():
        for argument in value.args if isinstance(value, Call) else ():
            if isinstance(argument, relax.Var):
                readers.setdefault(argument, []).append(variable)

    return Heads(
        frozenset(str(v.name) for v in values if heads_feed_products(v, values, readers)),
        frozenset(str(v.name) for v in values if heads_come_from_a_product(v, values)),
    )


def _is_product(value: Any) -> bool:
    """A matrix product of two activations."""
    return _name(value) == "relax.matmul" and isinstance(value.args[1], relax.Var)


def _name(value: Any) -> str:
    return str(getattr(value.op, "name", "")) if isinstance(value, Call) else ""
