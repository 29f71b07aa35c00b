# SPDX-License-Identifier: Apache-2.0
"""What `main` of a module computes from what: bindings, readers, and the ONNX nodes behind them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tvm import relax
from tvm.ir import Call, GenericConst

from codegen.frontend.expressions import dtype_of, op_name
from codegen.frontend.nodes import node_indices


@dataclass(frozen=True, slots=True)
class Dataflow:
    """`main`, to be asked."""

    values: dict[Any, Any]
    """Variable -> what it is bound to."""
    readers: dict[Any, list[Any]]
    """Variable -> the variables whose values read it."""
    outputs: tuple[Any, ...]
    made_by: dict[Any, tuple[int, ...]]
    """Variable -> indices of its ONNX nodes."""
    labels: Sequence[str]
    """Readable ONNX nodes by index."""

    def bound(self, expr: Any) -> Any:
        """What a variable is bound to; other expressions are themselves."""
        return self.values.get(expr, expr)

    def label(self, variable: Any) -> str:
        """Who computes a variable, for readers."""
        if variable not in self.values:
            return f"the model's input {variable.name}"
        found = ", ".join(self.labels[index] for index in self.made_by.get(variable, ()))
        return found or short_name(self.values[variable]) or "the accelerator"


def dataflow(module: Any, labels: Sequence[str], outputs: Sequence[tuple[int, ...]]) -> Dataflow:
    """Read `main`.

    Args:
        module: a Relax module.
        labels: readable ONNX nodes by index.
        outputs: nodes that make the model's outputs; the variables of these have no telling names.
    """
    body = module["main"].body
    values = {b.var: b.value for block in body.blocks for b in block.bindings}
    readers: dict[Any, list[Any]] = {}
    for variable, value in values.items():
        for argument in arguments(value):
            readers.setdefault(argument, []).append(variable)
    found = results(body.body, values)
    made_by = {variable: node_indices(str(variable.name)) for variable in values}
    for variable, nodes in zip(found, outputs, strict=False):
        if not made_by.get(variable, ()):
            made_by[variable] = nodes
    return Dataflow(values, readers, found, made_by, labels)


def results(result: Any, values: Mapping[Any, Any]) -> tuple[Any, ...]:
    """The variables that a function gives.

    Args:
        result: what it returns.
        values: variable -> what it is bound to.
    """
    found = result
    while isinstance(found, relax.Var) and found in values:
        found = values[found]
    return tuple(found.fields) if isinstance(found, relax.Tuple) else (result,)


def arguments(value: Any) -> Iterator[Any]:
    """Variables that a value reads."""
    match value:
        case relax.Var():
            yield value
        case Call():
            for argument in value.args:
                yield from arguments(argument)
        case relax.Tuple():
            for field in value.fields:
                yield from arguments(field)
        case relax.TupleGetItem():
            yield from arguments(value.tuple_value)


def short_name(value: Any) -> str:
    """Name of a call's operator without "relax."; "" for other values and for function calls."""
    return op_name(value).removeprefix("relax.")


def is_constant(expr: Any) -> bool:
    """A constant tensor."""
    return isinstance(expr, GenericConst)


def shape_text(expr: Any) -> str:
    """Type and shape of a tensor, for messages."""
    shape = getattr(getattr(expr, "ty", None), "shape", None)
    return f"{dtype_of(expr)} {[int(s) for s in shape]}" if shape is not None else dtype_of(expr)
