# SPDX-License-Identifier: Apache-2.0
"""What became of a backend test."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a case."""

    case: str
    operator: str
    reason: str
    """Why it failed; empty: it passed."""
    offloaded: bool
    """Whether the accelerator executed the node."""

    @property
    def passed(self) -> bool:
        """The outputs are what ONNX expects, in type, shape and value."""
        return not self.reason
