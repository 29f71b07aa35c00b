# SPDX-License-Identifier: Apache-2.0
"""AXI4 memories that judge the master: legal bursts, held requests, beats in number and order."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tests.rtl.clocked import Dut, value

Bytes = npt.NDArray[np.uint8]
SLVERR = 2
PAGE = 4096


@dataclass
class Timing:
    """Behaviour of a memory."""

    latency: int = 4
    """Cycles from a burst's address (for writes: last beat) to its first answer."""
    stall: float = 0.0
    """Probability that a channel rests in a cycle."""

    def rests(self) -> bool:
        return random.random() < self.stall


@dataclass
class Burst:
    address: int
    beats: int
    ready_at: int = 0
    moved: int = 0


@dataclass
class _Memory:
    data: Bytes
    bus_bytes: int
    burst_beats: int
    timing: Timing
    error_at: int = -1
    """Bursts that cover this address answer SLVERR."""
    bursts: deque[Burst] = field(default_factory=deque)
    taken: int = 0
    """Bursts accepted."""
    most: int = 0
    """Most bursts under way."""
    now: int = 0

    def accept(self, address: int, length: int) -> Burst:
        """Take an address."""
        size = (length + 1) * self.bus_bytes
        assert length + 1 <= self.burst_beats
        assert address % self.bus_bytes == 0
        assert address // PAGE == (address + size - 1) // PAGE, "a burst crosses 4 KiB"
        assert address + size <= self.data.size
        burst = Burst(address, length + 1, self.now + self.timing.latency)
        self.bursts.append(burst)
        self.taken += 1
        self.most = max(self.most, len(self.bursts))
        return burst

    def answer(self, burst: Burst) -> int:
        inside = burst.address <= self.error_at < burst.address + burst.beats * self.bus_bytes
        return SLVERR if inside else 0

    def place(self, burst: Burst) -> slice:
        """The next beat's bytes."""
        begin = burst.address + burst.moved * self.bus_bytes
        return slice(begin, begin + self.bus_bytes)


@dataclass
class ReadMemory(_Memory):
    """Answers the read channels; bursts in order."""

    valid: bool = False

    def drive(self, dut: Dut) -> None:
        self.now += 1
        dut.m_axi_arready_i.value = int(not self.timing.rests())
        head = self.bursts[0] if self.bursts else None
        if not self.valid:
            self.valid = head is not None and head.ready_at <= self.now and not self.timing.rests()
        dut.m_axi_rvalid_i.value = int(self.valid)
        if self.valid and head is not None:
            beat = int.from_bytes(self.data[self.place(head)].tobytes(), "little")
            dut.m_axi_rdata_i.value = beat
            dut.m_axi_rlast_i.value = int(head.moved == head.beats - 1)
            dut.m_axi_rresp_i.value = self.answer(head)

    def sample(self, dut: Dut) -> None:
        if self.valid and value(dut.m_axi_rready_o):
            self.valid = False
            self.bursts[0].moved += 1
            if self.bursts[0].moved == self.bursts[0].beats:
                self.bursts.popleft()
        if value(dut.m_axi_arvalid_o) and value(dut.m_axi_arready_i):
            self.accept(value(dut.m_axi_araddr_o), value(dut.m_axi_arlen_o))


@dataclass
class WriteMemory(_Memory):
    """Answers the write channels; data may not come before their address."""

    waiting: deque[Burst] = field(default_factory=deque)
    """Bursts whose data are complete and whose answer is due."""
    valid: bool = False

    def drive(self, dut: Dut) -> None:
        self.now += 1
        dut.m_axi_awready_i.value = int(not self.timing.rests())
        dut.m_axi_wready_i.value = int(not self.timing.rests())
        if not self.valid and self.waiting:
            self.valid = self.waiting[0].ready_at <= self.now and not self.timing.rests()
        dut.m_axi_bvalid_i.value = int(self.valid)
        if self.valid:
            dut.m_axi_bresp_i.value = self.answer(self.waiting[0])

    def sample(self, dut: Dut) -> None:
        if self.valid and value(dut.m_axi_bready_o):
            self.valid = False
            self.waiting.popleft()
        if value(dut.m_axi_wvalid_o) and value(dut.m_axi_wready_i):
            burst = self.bursts[0]
            raw = value(dut.m_axi_wdata_o).to_bytes(self.bus_bytes, "little")
            self.data[self.place(burst)] = np.frombuffer(raw, np.uint8)
            burst.moved += 1
            assert value(dut.m_axi_wlast_o) == (burst.moved == burst.beats)
            if burst.moved == burst.beats:
                burst.ready_at = self.now + self.timing.latency
                self.waiting.append(self.bursts.popleft())
        if value(dut.m_axi_awvalid_o) and value(dut.m_axi_awready_i):
            self.accept(value(dut.m_axi_awaddr_o), value(dut.m_axi_awlen_o))
