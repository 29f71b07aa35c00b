# SPDX-License-Identifier: Apache-2.0
"""tessera_act_sram against a byte array: random requests on all ports, with bank conflicts."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import cocotb
import numpy as np
import numpy.typing as npt
import pytest
from cocotb.triggers import FallingEdge, ReadOnly, RisingEdge

from accel.isa import GATHER_ROWS
from tests.rtl.bench import run_cocotb
from tests.rtl.clocked import Dut, join, split, start, value

BYTES = 4096
CYCLES = 2500
READERS, WRITERS = 3, 2


@pytest.mark.parametrize(
    ("k_lanes", "bus_bytes", "banks", "seed"),
    [(4, 8, 8, 1), (8, 16, 8, 2), (16, 16, 8, 3), (32, 16, 4, 4), (4, 16, 4, 5), (32, 8, 2, 6)],
)
def test_act_sram(k_lanes: int, bus_bytes: int, banks: int, seed: int) -> None:
    sizes = {"KLanes": k_lanes, "BusBytes": bus_bytes, "Banks": banks, "Bytes": BYTES}
    run_cocotb("tessera_act_sram", __name__, sizes, seed=seed)


@dataclass
class Port:
    """One request port: holds its request until the grant."""

    width: int
    address: int = 0
    active: bool = False
    data: int = 0
    expected: int | None = field(default=None)
    """Data due in the next cycle."""

    def offer(self, rate: float) -> None:
        if not self.active and random.random() < rate:
            self.active = True
            self.address = random.randrange(BYTES // self.width) * self.width
            self.data = random.getrandbits(8 * self.width)

    def banks(self, k_lanes: int, banks: int) -> set[int]:
        words = max(1, self.width // k_lanes)
        return {(self.address // k_lanes + word) % banks for word in range(words)}


@dataclass
class Gather:
    """The conv unit's port: pairs of neighbouring words, all in different banks, always served."""

    k_lanes: int
    banks: int
    addresses: list[int] = field(default_factory=lambda: [0] * GATHER_ROWS)
    """Of the left words."""
    words: dict[int, int] = field(default_factory=dict)
    """Requested words: 2 * row + column -> address."""
    expected: dict[int, int] = field(default_factory=dict)
    """Data due in the next cycle."""

    def offer(self, rate: float) -> None:
        self.words = {}
        self.addresses = [random.randrange(BYTES // self.k_lanes) for _ in self.addresses]
        self.addresses = [address * self.k_lanes for address in self.addresses]
        for place in random.sample(range(2 * GATHER_ROWS), 2 * GATHER_ROWS):
            address = self.addresses[place // 2] + place % 2 * self.k_lanes
            free = self.bank(address) not in self.taken() and address < BYTES
            if free and random.random() < rate / 8:
                self.words[place] = address

    def bank(self, address: int) -> int:
        return address // self.k_lanes % self.banks

    def taken(self) -> set[int]:
        return {self.bank(address) for address in self.words.values()}


async def _fill(dut: Dut, memory: npt.NDArray[np.uint8]) -> None:
    """Write all bytes through the beat port."""
    bus = value(dut.BusBytes)
    dut.beat_wr_req_i.value = 1
    for address in range(0, BYTES, bus):
        dut.beat_wr_addr_i.value = address
        dut.beat_wr_data_i.value = int.from_bytes(
            memory[address : address + bus].tobytes(), "little"
        )
        await FallingEdge(dut.clk_i)
    dut.beat_wr_req_i.value = 0


async def _run(dut: Dut, rate: float) -> list[int]:
    """Random requests at this rate on each port; returns grants by port, gathered words last."""
    k_lanes, bus, banks = value(dut.KLanes), value(dut.BusBytes), value(dut.Banks)
    memory = np.frombuffer(random.randbytes(BYTES), np.uint8).copy()
    await start(dut)
    await _fill(dut, memory)
    readers = [Port(k_lanes) for _ in range(READERS)] + [Port(bus)]
    writers = [Port(k_lanes) for _ in range(WRITERS)] + [Port(bus)]
    gather = Gather(k_lanes, banks)
    grants = [0] * (len(readers) + len(writers) + 1)
    for _ in range(CYCLES):
        for port in [*readers, *writers]:
            port.offer(rate)
        gather.offer(rate)
        _drive(dut, readers, writers)
        dut.gather_req_i.value = sum(1 << place for place in gather.words)
        dut.gather_addr_i.value = join(gather.addresses, 24)
        await ReadOnly()
        assert value(dut.gather_gnt_o)
        gathered = [value(dut.gather_data_o[r][c]) for r in range(GATHER_ROWS) for c in range(2)]
        assert all(gathered[place] == word for place, word in gather.expected.items())
        gather.expected = {
            place: int.from_bytes(memory[address : address + k_lanes].tobytes(), "little")
            for place, address in gather.words.items()
        }
        got = [*split(value(dut.rd_gnt_o), 1, READERS), value(dut.beat_rd_gnt_o)]
        got += [*split(value(dut.wr_gnt_o), 1, WRITERS), value(dut.beat_wr_gnt_o)]
        want = [
            *_grants(readers, k_lanes, banks, gather.taken()),
            *_grants(writers, k_lanes, banks, set()),
        ]
        assert got == [int(granted) for granted in want]
        data = [*split(value(dut.rd_data_o), 8 * k_lanes, READERS), value(dut.beat_rd_data_o)]
        for port, word in zip(readers, data, strict=True):
            assert port.expected is None or port.expected == word
        for port, granted in zip(readers, want[: len(readers)], strict=True):
            place = slice(port.address, port.address + port.width)
            port.expected = int.from_bytes(memory[place].tobytes(), "little") if granted else None
        for port, granted in zip(writers, want[len(readers) :], strict=True):
            if granted:
                raw = port.data.to_bytes(port.width, "little")
                memory[port.address : port.address + port.width] = np.frombuffer(raw, np.uint8)
        grants[-1] += len(gather.words)
        for index, (port, granted) in enumerate(zip([*readers, *writers], want, strict=True)):
            grants[index] += granted
            port.active &= not granted
        await RisingEdge(dut.clk_i)
        await FallingEdge(dut.clk_i)
    return grants


def _drive(dut: Dut, readers: list[Port], writers: list[Port]) -> None:
    dut.rd_req_i.value = join([port.active for port in readers[:READERS]], 1)
    dut.rd_addr_i.value = join([port.address for port in readers[:READERS]], 24)
    dut.beat_rd_req_i.value = int(readers[READERS].active)
    dut.beat_rd_addr_i.value = readers[READERS].address
    dut.wr_req_i.value = join([port.active for port in writers[:WRITERS]], 1)
    dut.wr_addr_i.value = join([port.address for port in writers[:WRITERS]], 24)
    dut.wr_data_i.value = join([port.data for port in writers[:WRITERS]], 8 * writers[0].width)
    dut.beat_wr_req_i.value = int(writers[WRITERS].active)
    dut.beat_wr_addr_i.value = writers[WRITERS].address
    dut.beat_wr_data_i.value = writers[WRITERS].data


def _grants(ports: list[Port], k_lanes: int, banks: int, taken: set[int]) -> list[bool]:
    """Fixed priority by bank, the beat port last; `taken` banks are served to the gather port."""
    result = []
    for port in ports:
        wanted = port.banks(k_lanes, banks)
        granted = port.active and not wanted & taken
        taken = taken | wanted if granted else taken
        result.append(granted)
    return result


@cocotb.test()
async def light_traffic(dut: Dut) -> None:
    await _run(dut, 0.15)


@cocotb.test()
async def heavy_traffic(dut: Dut) -> None:
    grants = await _run(dut, 0.9)
    words = grants[:READERS] + grants[READERS + 1 : -2] + grants[-1:]
    assert min(words) > 0
    assert sum(words) > 2 * CYCLES, "ports in different banks are served together"
