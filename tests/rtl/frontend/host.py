# SPDX-License-Identifier: Apache-2.0
"""A front end under test: a host on its AXI4-Lite port, four stand-ins for the units behind it."""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from cocotb.triggers import FallingEdge, ReadOnly

from accel import csr
from accel.codec import Instruction, decode, encode, mmio_writes
from accel.isa import BY_NAME, COMMAND_BITS, ArrayCycle, Cause, Unit
from tests.rtl.clocked import Dut, join, split, start, value

QUEUES = (Unit.LOAD, Unit.CONV, Unit.VECTOR, Unit.STORE)
OKAY = 0
LIMIT = 20000


def command(name: str, number: int, **waits: int) -> Instruction:
    """A command whose own fields are random."""
    values = {f.name: random.randint(*f.range) for f in BY_NAME[name].fields}
    tokens = {f"wait_{unit.name.lower()}": waits.get(unit.name.lower(), 0) for unit in QUEUES}
    return Instruction(name, {"id": number} | tokens | values)


@dataclass
class Channel:
    """The sending side of a stream: valid holds until ready."""

    rest: float
    queue: deque[int] = field(default_factory=deque)
    valid: bool = False

    def offer(self) -> bool:
        if not self.valid and self.queue and random.random() >= self.rest:
            self.valid = True
        return self.valid

    def sent(self, ready: int) -> bool:
        """The beat moved."""
        moved = self.valid and bool(ready)
        if moved:
            self.queue.popleft()
            self.valid = False
        return moved


@dataclass
class FakeUnit:
    """Takes commands whose tokens are there; each takes a random time."""

    slowest: int
    blocked: bool = False
    inside: deque[int] = field(default_factory=deque)
    """Cycles left, by command under way."""
    received: list[Instruction] = field(default_factory=list)

    def step(self) -> bool:
        """A cycle passes; returns whether a command completes in it."""
        if not self.inside or self.blocked:
            return False
        self.inside[0] -= 1
        return self.inside[0] <= 0


class Host:
    """Everything around `tessera_frontend`.

    Args:
        dut: the front end.
        rest: probability that an AXI4-Lite channel rests in a cycle.
        slowest: longest time of a command in a unit, cycles.
    """

    def __init__(self, dut: Dut, rest: float = 0.0, slowest: int = 12) -> None:
        self.dut = dut
        self.rest = rest
        self.address, self.data, self.read_address = Channel(rest), Channel(rest), Channel(rest)
        self.units = {unit: FakeUnit(slowest) for unit in QUEUES}
        self.completed = Counter[Unit]()
        self.owed = 0
        """Write responses to come."""
        self.answers: deque[int] = deque()
        self.cycles = 0
        self.counted = Counter[str]()
        """What the counters must show."""
        self.beats = 0.0
        """Probability of a read and of a write beat on the bus."""
        self.report: dict[int, int] = {}
        """Errors that units report in the next cycle: unit -> packed error_t."""
        self.array_cycles = [ArrayCycle.COMMAND]
        """What the array may be doing."""
        self.resets = 0

    @staticmethod
    async def begin(dut: Dut, rest: float = 0.0, slowest: int = 12) -> Host:
        """Reset; returns a host that may write at once."""
        await start(dut, bus_quiet_i=1, unit_idle_i=0xF)
        host = Host(dut, rest, slowest)
        for _ in range(3):
            await host.cycle()
        return host

    async def cycle(self) -> None:
        """One clock cycle; begins and ends at a falling edge."""
        dut = self.dut
        valid = split(value(dut.unit_valid_o), 1, 4)
        met = split(value(dut.dep_met_o), 4, 4)
        resetting = not value(dut.unit_rst_no)
        taken = self._drive_units(valid, met, bool(value(dut.halt_o)))
        self._drive_axil()
        await ReadOnly()
        self._sample_axil()
        self._count()
        commands = split(value(dut.unit_cmd_o), COMMAND_BITS, 4)
        for unit in taken:
            words = commands[unit].to_bytes(COMMAND_BITS // 8, "little")
            instruction = decode(np.frombuffer(words, np.uint32))
            for other in QUEUES:
                wait = instruction.values[f"wait_{other.name.lower()}"]
                assert self.completed[other] >= wait, "started before its tokens"
            self.units[unit].received.append(instruction)
            self.units[unit].inside.append(random.randint(1, self.units[unit].slowest))
        for unit in QUEUES:
            self.completed[unit] += value(dut.unit_done_i) >> unit & 1
        if resetting:
            self.resets += 1
            for stub in self.units.values():
                stub.inside.clear()
        self.cycles += 1
        await FallingEdge(dut.clk_i)

    def _drive_units(self, valid: list[int], met: list[int], halt: bool) -> list[Unit]:
        dut = self.dut
        done = [unit for unit in QUEUES if self.units[unit].step()]
        dut.unit_idle_i.value = join([not self.units[unit].inside for unit in QUEUES], 1)
        for unit in done:
            self.units[unit].inside.popleft()
        taken = [
            unit for unit in QUEUES
            if valid[unit] and met[unit] == 0xF and not halt and not self.units[unit].blocked
            and len(self.units[unit].inside) < 2 and random.random() < 0.7
        ]  # fmt: skip
        dut.unit_done_i.value = join([unit in done for unit in QUEUES], 1)
        dut.unit_ready_i.value = join([unit in taken for unit in QUEUES], 1)
        dut.unit_id_i.value = join([100 + unit for unit in QUEUES], 24)
        state = [int(bool(self.units[unit].inside) or valid[unit]) for unit in QUEUES]
        dut.unit_state_i.value = join([6 * busy for busy in state], 4)  # Wait.WEIGHT
        dut.unit_error_valid_i.value = join([unit in self.report for unit in QUEUES], 1)
        dut.unit_error_i.value = join([self.report.get(unit, 0) for unit in QUEUES], 64)
        self.report = {}
        dut.array_cycle_i.value = random.choice(self.array_cycles)
        dut.read_beat_i.value = int(random.random() < self.beats)
        dut.write_beat_i.value = int(random.random() < self.beats)
        return taken

    def _drive_axil(self) -> None:
        dut = self.dut
        dut.s_axil_awvalid_i.value = int(self.address.offer())
        dut.s_axil_wvalid_i.value = int(self.data.offer())
        dut.s_axil_arvalid_i.value = int(self.read_address.offer())
        if self.address.valid:
            dut.s_axil_awaddr_i.value = self.address.queue[0]
        if self.data.valid:
            dut.s_axil_wdata_i.value = self.data.queue[0]
        # The address lines mean nothing without valid.
        ar = self.read_address
        dut.s_axil_araddr_i.value = ar.queue[0] if ar.valid else random.randrange(1 << 13)
        dut.s_axil_bready_i.value = int(random.random() >= self.rest)
        dut.s_axil_rready_i.value = int(random.random() >= self.rest)

    def _sample_axil(self) -> None:
        dut = self.dut
        self.address.sent(value(dut.s_axil_awready_o))
        if self.data.sent(value(dut.s_axil_wready_o)):
            self.owed += 1
        self.read_address.sent(value(dut.s_axil_arready_o))
        if value(dut.s_axil_bvalid_o) and value(dut.s_axil_bready_i):
            assert value(dut.s_axil_bresp_o) == OKAY
            self.owed -= 1
        if value(dut.s_axil_rvalid_o) and value(dut.s_axil_rready_i):
            assert value(dut.s_axil_rresp_o) == OKAY
            self.answers.append(value(dut.s_axil_rdata_o))

    def _count(self) -> None:
        dut = self.dut
        if value(dut.counting_o):
            self.counted["cycles"] += 1
            self.counted[f"array{value(dut.array_cycle_o)}"] += 1
            self.counted["read"] += value(dut.read_beat_i)
            self.counted["write"] += value(dut.write_beat_i)

    async def until(self, condition: Callable[[], object], limit: int = LIMIT) -> int:
        """Let time pass until the condition holds; returns the cycles it took."""
        begin = self.cycles
        while not condition():
            assert self.cycles - begin < limit, f"not within {limit} cycles"
            await self.cycle()
        return self.cycles - begin

    async def until_high(self, handle: Dut, limit: int = LIMIT) -> None:
        """Let time pass until an output of the front end is high."""
        await self.until(lambda: value(handle), limit)

    def post(self, address: int, data: int) -> None:
        """Queue a write."""
        self.address.queue.append(address)
        self.data.queue.append(data)

    def push(self, *instructions: Instruction) -> None:
        """Queue the writes of commands."""
        for instruction in instructions:
            for address, word in mmio_writes(encode(instruction)):
                self.post(address, word)

    async def flush(self) -> None:
        """Wait until all writes are answered."""
        await self.until(lambda: not (self.address.queue or self.data.queue or self.owed))

    async def write(self, address: int, data: int) -> None:
        """Write a register, after all writes before."""
        self.post(address, data)
        await self.flush()

    async def read(self, address: int) -> int:
        """Read a register."""
        self.read_address.queue.append(address)
        await self.until(lambda: self.answers)
        return self.answers.popleft()

    async def error(self) -> tuple[Cause, Unit, int, int]:
        """The error registers: cause, unit, id, info."""
        register = await self.read(csr.ERROR)
        number, info = await self.read(csr.ERROR_ID), await self.read(csr.ERROR_INFO)
        return Cause(register & 0xFF), Unit(register >> 8 & 0xFF), number, info
