# SPDX-License-Identifier: Apache-2.0
"""The RTL under cocotb, in its own process; see `sim.bench.cocotb_server` for the other end."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from array import array
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from accel.device import Profile
from accel.errors import DeviceError, DeviceTimeout
from sim.backends.bench_abi import Status, to_profile
from sim.backends.cocotb_protocol import PIPE_VARIABLE, Setup
from sim.backends.rtl_device import RtlDevice, cpu_seconds_of
from sim.memory import MemoryModel
from sim.waves import WaveRequest

ROOT = Path(__file__).resolve().parent.parent.parent
ANSWER_SECONDS = 120.0
"""Longest time for a request; a slice of simulation takes about two seconds."""
POLL_SECONDS = 0.5
LOG_LINES = 8


class CocotbDevice(RtlDevice):
    """Implements `accel.device.Device`.

    Args:
        executable: what `sim.build` made of kind COCOTB.
        memory_model: timing of the memory.
        memory_bytes: its size.
        waves: what to write as waves; needs an executable built with tracing.
        answer_seconds: how long the simulation may take to answer.

    Raises:
        DeviceTimeout: the simulation does not start.
        DeviceError: the wave file cannot be written.
    """

    def __init__(
        self,
        executable: Path,
        memory_model: MemoryModel,
        memory_bytes: int,
        waves: WaveRequest | None = None,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._answer_seconds = answer_seconds
        self._directory = Path(tempfile.mkdtemp(prefix="tessera-cocotb-"))
        self.log = self._directory / "simulator.log"
        """What the simulation printed. Kept when it dies."""
        memory_path = self._directory / "memory"
        super().__init__(np.memmap(memory_path, np.uint8, mode="w+", shape=(memory_bytes,)))
        ours, theirs = socket.socketpair()
        self._pipe = Connection(ours.detach())
        with theirs, self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [str(executable)],
                cwd=self._directory,
                env=_environment(theirs.fileno(), self._directory),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is ours; we end the simulation
            )
        if waves is not None:
            waves = WaveRequest(waves.path.resolve(), *_window(waves))
        if not self._exchange(Setup(memory_path.resolve(), memory_model, waves)):
            self.close()
            raise DeviceError(f"cannot write waves to {waves.path if waves else ''}")
        self.reset_hard()

    def _ask(self, request: str, argument: object = None) -> Any:  # noqa: ANN401
        """Send a request and return its answer."""
        return self._exchange((request, argument))

    def _exchange(self, message: object) -> Any:  # noqa: ANN401
        try:
            self._pipe.send(message)
            limit = time.monotonic() + self._answer_seconds
            while not self._pipe.poll(POLL_SECONDS):
                if time.monotonic() > limit:
                    self._give_up(f"did not answer within {self._answer_seconds:g} s")
            return self._pipe.recv()
        except (EOFError, OSError):
            self._give_up("died")

    def _give_up(self, what: str) -> None:
        self.process.kill()
        code = self.process.wait()
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        quote = "\n".join(f"  {line}" for line in lines[-LOG_LINES:])
        raise DeviceTimeout(
            f"the cocotb simulation (process {self.process.pid}) {what}; exit status {code}. "
            f"Last lines of {self.log}:\n{quote}"
        )

    def _post(self, writes: array[int]) -> None:
        try:
            self._pipe.send(("post", writes.tobytes()))
        except OSError:
            self._give_up("died")

    def _read(self, address: int) -> tuple[Status, int]:
        status, value = self._ask("read", address)
        return status, value

    def _wait(self, max_cycles: int) -> Status:
        return Status(self._ask("wait", max_cycles))

    def _reset(self) -> None:
        self._ask("reset")

    def _pending(self) -> int:
        return int(self._ask("pending"))

    def _error(self) -> str:
        return str(self._ask("error"))

    def cpu_seconds(self) -> float:
        """CPU time so far of this process and the simulator's."""
        return super().cpu_seconds() + cpu_seconds_of(self.process.pid)

    def cycles(self) -> int:
        """Clock cycles since the simulation began."""
        return int(self._ask("cycles"))

    def profile(self) -> Profile | None:
        """Observations of the last stream."""
        return to_profile(*self._ask("observations"))

    def close(self) -> None:
        """End the simulation. May be called twice, also after it died."""
        if self._pipe.closed:
            return
        healthy = self.process.poll() is None
        try:
            if healthy:
                self._ask("close")
                self.process.wait(self._answer_seconds)
        except (DeviceTimeout, subprocess.TimeoutExpired):
            healthy = False
            self.process.kill()
            self.process.wait()
        self._pipe.close()
        (self._directory / "memory").unlink(missing_ok=True)
        if healthy:
            shutil.rmtree(self._directory, ignore_errors=True)


def _window(waves: WaveRequest) -> tuple[int, int, int, int]:
    return waves.first_id, waves.last_id, waves.first_cycle, waves.last_cycle


def _environment(pipe: int, directory: Path) -> dict[str, str]:
    """Environment of the simulation: what cocotb's runner would set, and the pipe."""
    import cocotb_tools.config
    import find_libpython

    return os.environ | {
        PIPE_VARIABLE: str(pipe),
        "COCOTB_TOPLEVEL": "tb_top",
        "COCOTB_TEST_MODULES": "sim.bench.cocotb_server",
        "COCOTB_RESULTS_FILE": str(directory / "results.xml"),
        "COCOTB_TRUST_INERTIAL_WRITES": "1",
        "TOPLEVEL_LANG": "verilog",
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)]),
        "PYGPI_PYTHON_BIN": sys.executable,
        "GPI_USERS": ";".join(
            [str(find_libpython.find_libpython()), cocotb_tools.config.pygpi_entry_point()]
        ),
    }
