# SPDX-License-Identifier: Apache-2.0
"""What part of a run to write as waves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ALL_IDS = 0xFFFFFFFF
ALL_CYCLES = 0xFFFFFFFFFFFFFFFF


@dataclass(frozen=True, slots=True)
class WaveRequest:
    """A wave file and what it shall hold.

    With a command range, a cycle is written when any unit works on, or waits with, a command of the
    range.
    """

    path: Path
    """File to write (FST)."""
    first_id: int = 0
    last_id: int = ALL_IDS
    """Commands, inclusive."""
    first_cycle: int = 0
    last_cycle: int = ALL_CYCLES
    """Clock cycles since the simulation began, inclusive."""
