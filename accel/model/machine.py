# SPDX-License-Identifier: Apache-2.0
"""Executes command streams: queues, tokens, error state."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accel.codec import Instruction, decode
from accel.config import AccelConfig
from accel.errors import EncodeError
from accel.isa import BY_NAME, QUEUES, Cause, Unit
from accel.model.conv import conv
from accel.model.state import State, Stop
from accel.model.transfer import load, store
from accel.model.vector import add, mul, pool
from accel.rules import legal

SEMANTICS: Mapping[str, Callable[[State, Mapping[str, int]], None]] = {
    "LOAD": load,
    "STORE": store,
    "CONV": conv,
    "POOL": pool,
    "ADD": add,
    "MUL": mul,
}
"""What each command does; END is the machine's own."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Content of the error registers."""

    cause: Cause
    unit: Unit
    id: int
    info: int


class Machine:
    """An accelerator without time.

    Args:
        config: hardware size.
        memory: the bus master's memory.
        shuffle_seed: None executes in program order; a number picks, at random, any order that
            queues and tokens allow. Results are the same unless a token is missing.
    """

    def __init__(
        self,
        config: AccelConfig,
        memory: npt.NDArray[np.uint8],
        shuffle_seed: int | None = None,
    ) -> None:
        self.state = State(config, memory)
        self.fault: Fault | None = None
        self.done = False
        self._random = None if shuffle_seed is None else random.Random(shuffle_seed)
        self._start_stream()

    def _start_stream(self) -> None:
        self._queues: dict[Unit, deque[Instruction]] = {unit: deque() for unit in QUEUES}
        self._pushed = dict.fromkeys(QUEUES, 0)
        self.completed = dict.fromkeys(QUEUES, 0)

    def push(self, words: npt.NDArray[np.uint32]) -> None:
        """Take a command; ignored in the error state, as in hardware."""
        if self.fault is not None:
            return
        try:
            instruction = decode(words)
        except EncodeError:
            header = decode(np.concatenate([[words[0] & ~np.uint32(0xFF) | 1], words[1:]]))
            self._stop(header, Unit.DISPATCH, Stop(Cause.OPCODE, int(words[0]) & 0xFF))
            return
        unit = BY_NAME[instruction.name].unit
        if unit is Unit.VECTOR and not self.state.config.vector:
            self._stop(instruction, Unit.DISPATCH, Stop(Cause.OPCODE, int(words[0]) & 0xFF))
            return
        waits = self._waits(instruction)
        if any(count > self._pushed[other] for other, count in waits.items()):
            self._stop(instruction, Unit.DISPATCH, Stop(Cause.TOKEN))
            return
        if unit is Unit.DISPATCH:
            self._drain()
            if self.fault is None:
                self.done = True
                self._start_stream()
            return
        self._pushed[unit] += 1
        self._queues[unit].append(instruction)
        if self._random is None:
            self._execute(unit)

    def _drain(self) -> None:
        """Execute everything that is queued."""
        while self.fault is None:
            ready = [unit for unit in QUEUES if self._queues[unit] and self._met(unit)]
            if not ready:
                return
            self._execute(ready[0] if self._random is None else self._random.choice(ready))

    def _met(self, unit: Unit) -> bool:
        waits = self._waits(self._queues[unit][0])
        return all(self.completed[other] >= count for other, count in waits.items())

    @staticmethod
    def _waits(instruction: Instruction) -> dict[Unit, int]:
        return {unit: instruction.values[f"wait_{unit.name.lower()}"] for unit in QUEUES}

    def _execute(self, unit: Unit) -> None:
        instruction = self._queues[unit].popleft()
        try:
            if not legal(instruction, self.state.config):
                raise Stop(Cause.FIELD)
            SEMANTICS[instruction.name](self.state, instruction.values)
        except Stop as stop:
            self._stop(instruction, unit, stop)
            return
        self.completed[unit] += 1

    def _stop(self, instruction: Instruction, unit: Unit, stop: Stop) -> None:
        self.fault = Fault(stop.cause, unit, instruction.values["id"], stop.info)

    def reset(self) -> None:
        """Soft reset: forget queues, tokens and the error; memories keep their content."""
        self.fault = None
        self.done = False
        self._start_stream()
