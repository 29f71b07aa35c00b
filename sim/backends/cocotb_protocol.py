# SPDX-License-Identifier: Apache-2.0
"""What the cocotb backend and the process it starts agree on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sim.memory import MemoryModel
from sim.waves import WaveRequest

PIPE_VARIABLE = "TESSERA_PIPE"
"""Environment variable with the file descriptor of the server's end."""


@dataclass(frozen=True, slots=True)
class Setup:
    """First message to the simulation."""

    memory_path: Path
    """File that both processes map as the memory."""
    memory_model: MemoryModel
    waves: WaveRequest | None
