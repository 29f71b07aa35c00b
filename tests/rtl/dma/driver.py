# SPDX-License-Identifier: Apache-2.0
"""Drives a DMA unit's command interface (rtl/README.md): queue, tokens, errors that halt."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from cocotb.triggers import FallingEdge, ReadOnly

from accel.codec import Instruction, encode
from accel.isa import Cause
from tests.rtl.clocked import Dut, value

ALL_TOKENS = 0xF


class Peer(Protocol):
    """Something at the unit's other ports, such as a memory."""

    def drive(self, dut: Dut) -> None:
        """Set the unit's inputs for this cycle."""

    def sample(self, dut: Dut) -> None:
        """Look at the settled ports of this cycle."""


@dataclass(frozen=True)
class Error:
    """What a unit reported."""

    cause: Cause
    id: int
    info: int


class Driver:
    """A unit under test with its queue and peers.

    Args:
        dut: the unit.
        peers: driven and sampled in every cycle.
    """

    def __init__(self, dut: Dut, peers: Iterable[Peer]) -> None:
        self.dut = dut
        self.peers = list(peers)
        self.queue: deque[Instruction] = deque()
        self.tokens = ALL_TOKENS
        self.halt = False
        self.cycles = 0
        self.started: list[int] = []
        self.done: list[int] = []
        self.errors: list[Error] = []

    def push(self, *instructions: Instruction) -> None:
        """Append to the unit's queue."""
        self.queue.extend(instructions)

    async def cycle(self) -> None:
        """One clock cycle; begins and ends at a falling edge."""
        dut = self.dut
        dut.cmd_valid_i.value = int(bool(self.queue))
        if self.queue:
            dut.cmd_i.value = int.from_bytes(encode(self.queue[0]).tobytes(), "little")
        dut.dep_met_i.value = self.tokens
        dut.halt_i.value = int(self.halt)
        for peer in self.peers:
            peer.drive(dut)
        await ReadOnly()
        for peer in self.peers:
            peer.sample(dut)
        if value(dut.start_o):
            self.started.append(value(dut.start_id_o))
        if value(dut.done_o):
            self.done.append(value(dut.done_id_o))
        if value(dut.error_valid_o):
            raw = value(dut.error_o)
            self.errors.append(Error(Cause(raw >> 56), raw >> 32 & 0xFFFFFF, raw & 0xFFFFFFFF))
        if self.queue and value(dut.cmd_ready_o):
            self.queue.popleft()
        self.halt |= bool(self.errors)  # the front end halts all units in the next cycle
        self.cycles += 1
        await FallingEdge(dut.clk_i)

    async def run(self, limit: int = 20000) -> int:
        """Run until all commands are done, or after an error the bus is quiet; returns cycles."""
        begin = self.cycles
        while self.cycles - begin < limit:
            await self.cycle()
            idle = not self.queue and value(self.dut.idle_o)
            if idle or (self.errors and value(self.dut.quiet_o)):
                return self.cycles - begin
        raise AssertionError(f"not idle after {limit} cycles; done: {self.done}")
