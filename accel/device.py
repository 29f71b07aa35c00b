# SPDX-License-Identifier: Apache-2.0
"""What the driver needs of a device, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class CommandTrace:
    """When one command ran, in cycles since the stream began."""

    id: int
    unit: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Profile:
    """What a cycle-accurate device observed during the last stream."""

    commands: tuple[CommandTrace, ...]
    array_cycles: dict[int, tuple[int, ...]]
    """Command id -> cycles by `ArrayCycle`; over all ids the sum is the CYCLES counter.

    A stall counts for the command that waits, except that waiting for the vector unit counts for
    the vector command at work; DRAIN counts for END.
    """


class Device(Protocol):
    """An accelerator with its memory. Register addresses and sizes: accel/csr.rdl, accel/isa.py."""

    @property
    def memory(self) -> npt.NDArray[np.uint8]:
        """The memory the accelerator's bus master reaches, from bus address 0."""
        ...

    def write32(self, address: int, value: int) -> None:
        """Write a register or command word. May be posted; order is kept."""
        ...

    def write_block(self, writes: npt.NDArray[np.uint32]) -> None:
        """Many writes in order: [n, 2] of address and value, as by `write32`."""
        ...

    def read32(self, address: int) -> int:
        """Read a register after all earlier writes took effect."""
        ...

    def wait_irq(self, max_cycles: int) -> bool:
        """Let the device run until its interrupt is high.

        Args:
            max_cycles: give up after so many device cycles (devices without cycles: ignored).

        Returns:
            Whether the interrupt is high.

        Raises:
            DeviceTimeout: the device itself does not answer (its process died or hangs).
        """
        ...

    def profile(self) -> Profile | None:
        """Observations of the last stream; None where the device has no cycles."""
        ...

    def close(self) -> None:
        """Free the device. Further calls are errors."""
        ...

    def __enter__(self) -> Device: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
