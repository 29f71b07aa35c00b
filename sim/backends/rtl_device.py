# SPDX-License-Identifier: Apache-2.0
"""What the two RTL backends share: the host's side of the testbench as an `accel.device.Device`."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from array import array
from collections.abc import Callable
from types import TracebackType

import numpy as np
import numpy.typing as npt

from accel.device import Profile
from accel.errors import DeviceError, DeviceTimeout
from sim.backends.bench_abi import Status

SLICE_CYCLES = 500_000
"""Cycles to simulate before control returns to Python, for progress and Ctrl-C."""


def _ignore(_cycles: int) -> None:
    """Show no progress."""


class RtlDevice(ABC):
    """A simulated accelerator. Simulated time passes only inside `read32` and `wait_irq`.

    Writes are posted to the testbench in bulk. Subclasses reach the testbench, each in its way.
    """

    def __init__(self, memory: npt.NDArray[np.uint8]) -> None:
        self._memory = memory
        self._posted = array("I")
        self.on_progress: Callable[[int], None] = _ignore
        """Called now and then with the cycles since the simulation began."""

    @property
    def memory(self) -> npt.NDArray[np.uint8]:
        """The bus master's memory."""
        return self._memory

    def write32(self, address: int, value: int) -> None:
        """Post a write; the device sees it once simulated time passes."""
        self._posted.extend((address, value))

    def write_block(self, writes: npt.NDArray[np.uint32]) -> None:
        """Post many writes, in order."""
        self._posted.frombytes(writes.astype(np.uint32).tobytes())

    def read32(self, address: int) -> int:
        """Read a register after all earlier writes.

        Raises:
            DeviceTimeout: the device does not answer on its AXI4-Lite port.
        """
        self._flush()
        status, value = self._read(address)
        if status is Status.EXPIRED:
            raise DeviceTimeout(
                f"the accelerator did not answer a read of register {address:#05x}: its AXI4-Lite "
                f"port is blocked, {self._pending()} writes wait; use reset_hard or open it again"
            )
        self._check(status)
        return value

    def wait_irq(self, max_cycles: int) -> bool:
        """Run until the interrupt is high and all writes are taken, or `max_cycles` have passed."""
        self._flush()
        left = max_cycles
        while left > 0:
            status = self._wait(min(left, SLICE_CYCLES))
            self._check(status)
            self.on_progress(self.cycles())
            if status is Status.REACHED:
                return True
            left -= SLICE_CYCLES
        return False

    def reset_hard(self) -> None:
        """Reset accelerator, bus and posted writes; only the memory keeps its content."""
        self._posted = array("I")
        self._reset()

    def _flush(self) -> None:
        if self._posted:
            self._post(self._posted)
            self._posted = array("I")

    def _check(self, status: Status) -> None:
        if status is Status.FAILED:
            raise DeviceError(f"the simulation broke: {self._error()}")

    def __enter__(self) -> RtlDevice:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def cpu_seconds(self) -> float:
        """CPU time so far of the processes that simulate, this one included."""
        return time.process_time()

    @abstractmethod
    def profile(self) -> Profile | None:
        """Observations of the last stream."""

    @abstractmethod
    def close(self) -> None:
        """End the simulation and finish the wave file."""

    @abstractmethod
    def cycles(self) -> int:
        """Clock cycles since the simulation began."""

    @abstractmethod
    def _post(self, writes: array[int]) -> None: ...

    @abstractmethod
    def _read(self, address: int) -> tuple[Status, int]: ...

    @abstractmethod
    def _wait(self, max_cycles: int) -> Status: ...

    @abstractmethod
    def _reset(self) -> None: ...

    @abstractmethod
    def _pending(self) -> int: ...

    @abstractmethod
    def _error(self) -> str: ...


def cpu_seconds_of(pid: int) -> float:
    """CPU time of a process that runs (Linux numbers each process's clock so)."""
    return time.clock_gettime((~pid << 3) | 2)
