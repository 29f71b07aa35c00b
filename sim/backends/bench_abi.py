# SPDX-License-Identifier: Apache-2.0
"""The testbench's C ABI (sim/bench/bench_api.cpp) as Python calls, for both RTL backends."""

from __future__ import annotations

import ctypes
from array import array
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from accel.device import CommandTrace, Profile
from accel.isa import ArrayCycle
from sim.memory import MemoryModel
from sim.waves import WaveRequest

Int64Array = npt.NDArray[np.int64]


class Status(IntEnum):
    """How the goal under way stands."""

    RUNNING = 0
    REACHED = 1
    EXPIRED = 2
    FAILED = 3


_POINTER, _U32, _U64 = ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint64
_SIGNATURES: dict[str, tuple[type | None, list[type]]] = {
    "set_memory": (None, [_POINTER, _POINTER, _U64]),
    "set_timing": (None, [_POINTER, _U32, ctypes.c_double, ctypes.c_double, _U64]),
    "set_faults": (None, [_POINTER, _POINTER, _U64]),
    "reset": (None, [_POINTER]),
    "post": (None, [_POINTER, _POINTER, _U64]),
    "start_read": (None, [_POINTER, _U32]),
    "start_wait": (None, [_POINTER, _U64]),
    "value": (_U32, [_POINTER]),
    "cycles": (_U64, [_POINTER]),
    "pending": (_U64, [_POINTER]),
    "error": (ctypes.c_char_p, [_POINTER]),
    "status": (ctypes.c_int, [_POINTER]),
    "commands": (_U64, [_POINTER, _POINTER]),
    "array_cycles": (_U64, [_POINTER, _POINTER]),
    "waves_open": (ctypes.c_int, [_POINTER, ctypes.c_char_p, _U32, _U32, _U64, _U64]),
    "waves_close": (None, [_POINTER]),
}


class BenchAbi:
    """One testbench.

    Args:
        library: holds the functions.
        handle: the bench.
    """

    def __init__(self, library: ctypes.CDLL, handle: int) -> None:
        self._handle = handle
        self._calls = {}
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(library, f"tessera_{name}")
            function.restype, function.argtypes = result, arguments
            self._calls[name] = function

    def configure(self, memory: npt.NDArray[np.uint8], model: MemoryModel) -> None:
        """Attach the memory; the array must outlive the bench. Stalls start at a reset."""
        self._calls["set_memory"](self._handle, memory.ctypes.data, memory.size)
        self._calls["set_timing"](
            self._handle, model.latency, model.bytes_per_cycle, model.stall, model.seed
        )
        faults = np.array([(f.start, f.size, f.response) for f in model.faults], np.uint64)
        self._calls["set_faults"](self._handle, faults.ctypes.data, len(model.faults))

    def reset(self) -> None:
        """Bring the bench to its initial state; the caller resets the hardware with it."""
        self._calls["reset"](self._handle)

    def post(self, writes: array[int]) -> None:
        """Queue register writes: address, value, address, value ... as uint32."""
        address, count = writes.buffer_info()
        self._calls["post"](self._handle, address, count // 2)

    def start_read(self, address: int) -> None:
        """Begin a register read; then clock until `status` is not RUNNING."""
        self._calls["start_read"](self._handle, address)

    def start_wait(self, max_cycles: int) -> None:
        """Begin to wait for the interrupt; then clock until `status` is not RUNNING."""
        self._calls["start_wait"](self._handle, max_cycles)

    def status(self) -> Status:
        """How the goal stands."""
        return Status(self._calls["status"](self._handle))

    def value(self) -> int:
        """What the last read gave."""
        return int(self._calls["value"](self._handle))

    def cycles(self) -> int:
        """Clock cycles since the bench was made."""
        return int(self._calls["cycles"](self._handle))

    def pending(self) -> int:
        """Posted writes that the device has not taken."""
        return int(self._calls["pending"](self._handle))

    def error(self) -> str:
        """What broke, or "" when nothing did."""
        return bytes(self._calls["error"](self._handle)).decode()

    def observations(self) -> tuple[Int64Array, Int64Array]:
        """Commands [n, 4] (id, unit, start, end) and array cycles [m, 1 + causes] of the stream."""
        return self._copy("commands", 4), self._copy("array_cycles", 1 + len(ArrayCycle))

    def _copy(self, name: str, columns: int) -> Int64Array:
        rows = self._calls[name](self._handle, None)
        table = np.zeros((rows, columns), np.int64)
        if rows:
            self._calls[name](self._handle, table.ctypes.data)
        return table

    def open_waves(self, request: WaveRequest) -> bool:
        """Start to write waves; False when this build cannot or the file cannot be written."""
        path = str(request.path).encode()
        return bool(
            self._calls["waves_open"](
                self._handle,
                path,
                request.first_id,
                request.last_id,
                request.first_cycle,
                request.last_cycle,
            )
        )

    def close_waves(self) -> None:
        """Finish the wave file."""
        self._calls["waves_close"](self._handle)


def to_profile(commands: Int64Array, array_cycles: Int64Array) -> Profile:
    """Make a profile of what `BenchAbi.observations` gave."""
    return Profile(
        commands=tuple(CommandTrace(*row) for row in commands.tolist()),
        array_cycles={row[0]: tuple(row[1:]) for row in sorted(array_cycles.tolist())},
    )
