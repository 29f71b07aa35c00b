# SPDX-License-Identifier: Apache-2.0
"""The RTL in this process: a Verilated shared library behind ctypes."""

from __future__ import annotations

import ctypes
from array import array
from pathlib import Path

import numpy as np

from accel.device import Profile
from accel.errors import DeviceError
from sim.backends.bench_abi import BenchAbi, Status, to_profile
from sim.backends.rtl_device import RtlDevice
from sim.memory import MemoryModel
from sim.waves import WaveRequest


class VerilatorDevice(RtlDevice):
    """Implements `accel.device.Device`.

    Args:
        library: what `sim.build` made of kind LIBRARY.
        memory_model: timing of the memory.
        memory_bytes: its size.
        waves: what to write as waves; needs a library built with tracing.

    Raises:
        DeviceError: the wave file cannot be written.
    """

    def __init__(
        self,
        library: Path,
        memory_model: MemoryModel,
        memory_bytes: int,
        waves: WaveRequest | None = None,
    ) -> None:
        super().__init__(np.zeros(memory_bytes, np.uint8))
        self._library = ctypes.CDLL(str(library))
        self._library.tessera_open.restype = ctypes.c_void_p
        self._library.tessera_bench.restype = ctypes.c_void_p
        self._simulator = ctypes.c_void_p(self._library.tessera_open())
        self._bench = BenchAbi(self._library, self._library.tessera_bench(self._simulator))
        self._bench.configure(self._memory, memory_model)
        if waves is not None and not self._bench.open_waves(waves):
            raise DeviceError(f"cannot write waves to {waves.path}")
        self.reset_hard()

    def set_memory_model(self, memory_model: MemoryModel) -> None:
        """Change timing and faults from now on."""
        self._bench.configure(self._memory, memory_model)

    def _post(self, writes: array[int]) -> None:
        self._bench.post(writes)

    def _read(self, address: int) -> tuple[Status, int]:
        self._bench.start_read(address)
        return self._run(), self._bench.value()

    def _wait(self, max_cycles: int) -> Status:
        self._bench.start_wait(max_cycles)
        return self._run()

    def _run(self) -> Status:
        while (status := self._bench.status()) is Status.RUNNING:
            self._library.tessera_run(self._simulator, ctypes.c_uint64(1 << 20))
        return status

    def _reset(self) -> None:
        self._library.tessera_hard_reset(self._simulator)

    def _pending(self) -> int:
        return self._bench.pending()

    def _error(self) -> str:
        return self._bench.error()

    def cycles(self) -> int:
        """Clock cycles since the simulation began."""
        return self._bench.cycles()

    def profile(self) -> Profile | None:
        """Observations of the last stream."""
        return to_profile(*self._bench.observations())

    def close(self) -> None:
        """End the simulation and finish the wave file. May be called twice."""
        if self._simulator.value:
            self._library.tessera_close(self._simulator)
            self._simulator = ctypes.c_void_p()
