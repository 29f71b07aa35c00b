# SPDX-License-Identifier: Apache-2.0
"""Where attention splits rows into heads for a product of activations, and merges them behind one.

Only there are they renamed instead of moved: a pattern sees the split, not what reads it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tvm import relax
from tvm.ir import Call

from codegen.frontend.expressions import op_name
from codegen.refusal import Refusal, rule_of

Values = dict[Any, Any]
"""Variable -> what it is bound to."""
Readers = dict[Any, list[Any]]
"""Variable -> the variables whose values read it."""
RANK = 4
"""Dimensions of heads."""
ELEMENTWISE = frozenset({"add", "mul", "table", "rescale", "clip"})
"""Patterns that see their operands in any way, but all in the same."""
ZEROING = ("relax.astype", "relax.subtract")
"""What is between an activation and a product that reads it."""


@dataclass(frozen=True, slots=True)
class Heads:
    """Names of variables of an integer module."""

    operands: frozenset[str]
    """Read by products of activations, and by nothing else."""
    results: frozenset[str]
    """Computed from such a product alone."""
    headed: frozenset[str]
    """Seen as [N, heads, M, C]: between a product and where heads are split or merged."""

    def refusal(self, kind: str, name: str, read: Iterable[str] = ()) -> Refusal | None:
        """Why an op cannot see its values as heads, or why a split or merge moves data; or None.

        Args:
            kind: name of the pattern.
            name: of the variable that it computes.
            read: of those that it reads.
        """
        if not heads_are_read_by_products(kind, self.headed & {name, *read}):
            return rule_of(heads_are_read_by_products).refuse(f"{kind} reads or makes heads")
        if kind == "split_heads" and name not in self.operands:
            return rule_of(heads_feed_products).refuse("other ops read the heads")
        if kind == "merge_heads" and name not in self.results:
            return rule_of(heads_come_from_a_product).refuse("other ops made the heads")
        return None


def heads_are_read_by_products(kind: str, heads: Collection[str]) -> bool:
    """Only products of activations and element-wise ops see a tensor as heads of an attention.

    Remedy: merge the heads (Transpose, then Reshape) before other ops read them.
    """
    return not heads or kind in SEE_HEADS


def heads_feed_products(variable: Any, values: Values, readers: Readers) -> bool:
    """Heads that are split from rows are read by products of activations only.

    Remedy: none in the configuration; let MatMul nodes of two activations alone read them.
    """
    found = readers.get(variable, [])
    return bool(found) and all(
        _is_product(values[reader])
        or (op_name(values[reader]) in ZEROING and heads_feed_products(reader, values, readers))
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


SEE_HEADS = ELEMENTWISE | {"batch_matmul", "split_heads", "merge_heads"}
"""Patterns that read or write heads."""
OPAQUE = ("relax.permute_dims", "relax.reshape")
"""Where a value stops being heads."""


SEE_HEADS = ELEMENTWISE | {"batch_matmul", "split_heads", "merge_heads"}
"""Patterns that read or write heads."""
OPAQUE = ("relax.permute_dims", "relax.reshape")
"""Where a value stops being heads."""


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
        frozenset(str(v.name) for v in _headed(values)),
    )


def _headed(values: Mapping[Any, Any]) -> set[Any]:
    """Four-dimensional values that a product reads or makes, and what is computed of them."""
    found: set[Any] = set()
    waiting = [
        variable
        for result, value in values.items()
        if _is_product(value)
        for variable in (result, *value.args)
    ]
    links: dict[Any, set[Any]] = {}
    for result, value in values.items():
        if isinstance(value, Call) and op_name(value) not in OPAQUE and not _is_product(value):
            for argument in _arguments(value):
                links.setdefault(result, set()).add(argument)
                links.setdefault(argument, set()).add(result)
    while waiting:
        variable = waiting.pop()
        if variable not in found and len(variable.ty.shape) == RANK:
            found.add(variable)
            waiting += links.get(variable, ())
    return found


def _arguments(call: Any) -> list[Any]:
    """Variables that a call reads, also in a tuple."""
    fields = [f for a in call.args for f in (a.fields if isinstance(a, relax.Tuple) else [a])]
    return [field for field in fields if isinstance(field, relax.Var)]


def _is_product(value: Any) -> bool:
    """A matrix product of two activations."""
    return op_name(value) == "relax.matmul" and isinstance(value.args[1], relax.Var)


HEAD_RULES = (heads_are_read_by_products, heads_feed_products, heads_come_from_a_product)
"""What `Heads.refusal` asks."""
