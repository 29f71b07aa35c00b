# SPDX-License-Identifier: Apache-2.0
"""What --partition cost weighed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Decision:
    """A region, or ops at its border, on the accelerator or on the host."""

    region: str
    """Symbol of the region, in the round in which this was decided."""
    what: str
    """The ops in question."""
    nodes: tuple[str, ...]
    """Their ONNX nodes."""
    host_us: float
    """Measured time of these ops on the host, microseconds."""
    accelerator_us: float
    """What offloading them takes: predicted cycles at the clock and the cost of an invocation."""
    cycles: int
    """Of these, the predicted cycles, transfers included."""
    offloaded: bool
