# SPDX-License-Identifier: Apache-2.0
"""Why something is not offloaded: which predicate failed, on which values, and what would help.

A predicate is a function whose doc string says what must hold, and behind "Remedy:" what to do
where it does not. That text is what reports and the table of supported ops (codegen/OPS.md) show.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

REMEDY = "Remedy:"


@dataclass(frozen=True, slots=True)
class Rule:
    """A predicate, as text."""

    name: str
    predicate: str
    """What must hold."""
    remedy: str
    """What to do where it does not."""

    def refuse(self, detail: str, remedy: str = "") -> Refusal:
        """The rule fails with these values; a remedy that knows them is better than the rule's."""
        return Refusal(self.name, self.predicate, detail, remedy or self.remedy)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A predicate that failed."""

    rule: str
    predicate: str
    """What the rule demands."""
    detail: str
    """The values that fail it."""
    remedy: str
    """Which change of model or configuration would admit it."""

    def __str__(self) -> str:
        return f"{self.rule}: {self.detail}; remedy: {self.remedy}"


def rule_of(predicate: Callable[..., Any]) -> Rule:
    """Read a rule from its function."""
    paragraphs = [" ".join(p.split()) for p in (inspect.getdoc(predicate) or "").split("\n\n")]
    name = str(getattr(predicate, "__name__", "")).lstrip("_")
    remedies = [p.removeprefix(REMEDY).strip(" .") for p in paragraphs if p.startswith(REMEDY)]
    must = paragraphs[0]
    return Rule(
        name, must, remedies[0] if remedies else f"change the model so that this holds: {must}"
    )


def as_refusal(reason: str | Refusal, default: Rule) -> Refusal:
    """A reason that is only a text, "rule: detail" or "detail", as a refusal."""
    if isinstance(reason, Refusal):
        return reason
    name, colon, detail = reason.partition(": ")
    if colon and name.isidentifier():
        return Rule(name, default.predicate, default.remedy).refuse(detail)
    return default.refuse(reason)
