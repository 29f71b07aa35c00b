# SPDX-License-Identifier: Apache-2.0
"""Where an op stands in the neutral graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from codegen import ir


@dataclass(frozen=True, slots=True)
class Place:
    """What an op is called, and the tensors that it reads and makes."""

    name: str
    source: ir.Source
    operands: Mapping[str, str]
    """Part of the pattern ("x", or "a" and "b") -> tensor name."""
    output: str

    @property
    def of_one(self) -> tuple[str, ir.Source, str, str]:
        """The first fields of an op with one operand."""
        return self.name, self.source, self.operands["x"], self.output

    @property
    def of_two(self) -> tuple[str, ir.Source, str, str, str]:
        """The first fields of an op with two operands."""
        return self.name, self.source, self.operands["a"], self.operands["b"], self.output
