# SPDX-License-Identifier: Apache-2.0
"""The functional model behind the register interface: a `Device` without cycles."""

from __future__ import annotations

from types import TracebackType

import numpy as np
import numpy.typing as npt

from accel import csr
from accel.config import AccelConfig
from accel.device import Profile
from accel.identity import identity
from accel.isa import COMMAND_WORDS, PUSH_WINDOW, QUEUES, Wait
from accel.model.machine import Machine
from accel.model.state import OpenWindow
from accel.program import Window


class ModelDevice:
    """Implements `accel.device.Device`.

    Args:
        config: hardware size.
        memory_bytes: size of the memory.
        shuffle_seed: as in `Machine`.
    """

    def __init__(
        self, config: AccelConfig, memory_bytes: int, shuffle_seed: int | None = None
    ) -> None:
        self._config = config
        self._memory = np.zeros(memory_bytes, np.uint8)
        self.machine = Machine(config, self._memory, shuffle_seed)
        self._words = np.zeros(COMMAND_WORDS, np.uint32)
        self._registers = {csr.WATCHDOG: 100000}

    @property
    def memory(self) -> npt.NDArray[np.uint8]:
        """The bus master's memory."""
        return self._memory

    def write32(self, address: int, value: int) -> None:
        """Write a register or a command word."""
        if address >= PUSH_WINDOW:
            index = (address - PUSH_WINDOW) // 4
            if index >= COMMAND_WORDS:
                return  # no word of a command: nothing happens, as in hardware
            self._words[index] = value
            if index == COMMAND_WORDS - 1:
                self.machine.push(self._words)
            return
        self._registers[address] = value
        if address == csr.CTRL and value & csr.CTRL__SOFT_RESET:
            self.machine.reset()
        elif address == csr.CLEAR and value & csr.CLEAR__DONE:
            self.machine.done = False
        elif csr.WINDOW_BASE_LO <= address < csr.CYCLES:
            self.machine.state.windows = [self._window(window) for window in Window]

    def write_block(self, writes: npt.NDArray[np.uint32]) -> None:
        """Write after write."""
        for address, value in writes.tolist():
            self.write32(address, value)

    def _window(self, window: Window) -> OpenWindow:
        base = window * csr.WINDOW_BASE_LO_STEP
        read = [self._registers.get(base + r, 0) for r in (csr.WINDOW_BASE_LO, csr.WINDOW_BASE_HI)]
        permission = self._registers.get(base + csr.WINDOW_PERMISSION, 0)
        return OpenWindow(
            read[0] | read[1] << 32,
            self._registers.get(base + csr.WINDOW_SIZE, 0),
            bool(permission & csr.WINDOW_PERMISSION__READ),
            bool(permission & csr.WINDOW_PERMISSION__WRITE),
        )

    def read32(self, address: int) -> int:
        """Read a register; counters read 0."""
        c, machine = self._config, self.machine
        fault = machine.fault
        fixed = {
            **dict(identity(c).values()),
            csr.STATUS: machine.done * csr.STATUS__DONE
            | (fault is not None) * csr.STATUS__ERROR
            | c.queue_depth << csr.STATUS__CREDITS__SHIFT,
            csr.ERROR: 0 if fault is None else fault.cause | fault.unit << 8,
            csr.ERROR_ID: 0 if fault is None else fault.id,
            csr.ERROR_INFO: 0 if fault is None else fault.info & 0xFFFFFFFF,
        }
        for unit in QUEUES:
            fixed[csr.UNIT_DONE + unit * csr.UNIT_DONE_STEP] = machine.completed[unit]
            state = Wait.IDLE << csr.UNIT_STATE__STATE__SHIFT
            fixed[csr.UNIT_STATE + unit * csr.UNIT_STATE_STEP] = state
        return fixed.get(address, self._registers.get(address, 0))

    def wait_irq(self, max_cycles: int) -> bool:
        """Whether the stream is done or has failed; everything pushed has been executed."""
        return self.machine.done or self.machine.fault is not None

    def profile(self) -> Profile | None:
        """None: the model has no cycles."""
        return None

    def close(self) -> None:
        """Nothing to free."""

    def __enter__(self) -> ModelDevice:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
