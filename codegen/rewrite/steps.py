# SPDX-License-Identifier: Apache-2.0
"""The calls of a model as steps of the term language."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from codegen.rewrite.constants import Constant
from codegen.rewrite.moves import Move
from codegen.rewrite.windows import Plan

Argument = int | float | str | tuple[str, int]
"""("V", step), ("K", constant) as a value, ("C", constant), a number, or a string."""


@dataclass(frozen=True, slots=True)
class Step:
    """A value of the model."""

    name: str
    """Of its Relax variable."""
    shape: tuple[int, ...]
    operator: str
    """Constructor of the term; "" for what rules do not look into."""
    arguments: tuple[Argument, ...] = ()
    narrow: bool = False
    """It is int8 or uint8."""
    call: Any = None
    """The Relax call; its attributes are those of all terms made of it."""


@dataclass(slots=True)
class Model:
    """A dataflow block as terms."""

    function: Any
    steps: list[Step] = field(default_factory=list)
    constants: list[Constant] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)
    step_of: dict[Any, int] = field(default_factory=dict)
    """Relax variable -> step that computes it."""
    bound: dict[Any, Any] = field(default_factory=dict)
    """Relax variable -> what it is bound to."""
    cuts: dict[int, Plan] = field(default_factory=dict)
    """Steps whose kernels are too wide -> how to cut them."""
    roots: list[int] = field(default_factory=list)
    """Steps that are the function's results."""
    reads: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """Steps that a call reads that rules do not look into."""


def text(argument: Argument) -> str:
    """An argument in egglog's syntax."""
    if isinstance(argument, tuple):
        kind, index = argument
        return {"V": f"(V {index})", "K": f"(K (Id {index}))", "C": f"(Id {index})"}[kind]
    if isinstance(argument, float):
        return np.format_float_positional(argument, trim="0")
    return f'"{argument}"' if isinstance(argument, str) else str(argument)


def term(step: Step, index: int) -> str:
    """A step's term; its values are those of other steps."""
    numbered = () if step.operator == "Move" else (index,)
    return f"({step.operator} {_joined((*numbered, *step.arguments), step.operator)})"


def _joined(arguments: tuple[Argument, ...], operator: str) -> str:
    parts = [text(a) for a in arguments]
    if operator == "Bin":  # its own operator comes first
        parts[0], parts[1] = parts[1], parts[0]
    if operator == "Concat":
        values = "(Nil)"
        for value in reversed(parts[1:-1]):
            values = f"(Cons {value} {values})"
        parts = [parts[0], values, parts[-1]]
    return " ".join(parts)
