# SPDX-License-Identifier: Apache-2.0
"""Plays commands to a conv or vector unit: queue, tokens and memories are modelled here.

Inputs change at falling edges, outputs are sampled in the same half cycle, so a sample shows what
the coming rising edge sees.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from cocotb.triggers import FallingEdge, ReadOnly

from accel.codec import Instruction, encode
from accel.config import AccelConfig
from accel.isa import GATHER_ROWS, TABLE_BYTES, Cause, Unit
from tests.rtl.clocked import Dut, value

Bytes = npt.NDArray[np.uint8]
ERROR_ID_BITS, ERROR_INFO_BITS = 24, 32
ADDRESS_BITS = 24


class Reader:
    """Serves one read port: data in the cycle after the grant, noise in all others."""

    def __init__(self, dut: Dut, prefix: str, memory: Bytes, width: int, rate: float) -> None:
        self._request = getattr(dut, f"{prefix}_req_o")
        self._address = getattr(dut, f"{prefix}_addr_o")
        self._data = getattr(dut, f"{prefix}_data_i")
        self._grant = getattr(dut, f"{prefix}_gnt_i", None)
        self._memory, self._width, self._rate = memory, width, rate
        self._noise = int.from_bytes(random.randbytes(width), "little")
        self._due: int | None = None
        self._granted = True

    def drive(self) -> None:
        """Set data and grant of this cycle."""
        self._data.value = self._noise if self._due is None else self._due
        if self._grant is not None:
            self._granted = random.random() < self._rate
            self._grant.value = int(self._granted)

    def sample(self) -> None:
        """Take this cycle's request."""
        self._due = None
        if not (value(self._request) and self._granted):
            return
        address = value(self._address)
        assert address % self._width == 0, f"{self._address._name} = {address:#x} is misaligned"
        assert address + self._width <= self._memory.size, f"{address:#x} is outside of the memory"
        word = self._memory[address : address + self._width]
        self._due = int.from_bytes(word.tobytes(), "little")


class GatherReader:
    """Serves the conv unit's gather port: for each row a word and its right neighbour."""

    def __init__(self, dut: Dut, memory: Bytes, config: AccelConfig, rate: float) -> None:
        self._dut, self._memory, self._rate = dut, memory, rate
        self._width, self._banks = config.k_lanes, config.act_banks
        self._data = random.randbytes(2 * GATHER_ROWS * self._width)
        self._granted = True

    def drive(self) -> None:
        """Set data and grant of this cycle."""
        for place in range(2 * GATHER_ROWS):
            row, column = divmod(place, 2)
            word = self._data[place * self._width : (place + 1) * self._width]
            self._dut.act_rd_data_i[row][column].value = int.from_bytes(word, "little")
        self._granted = random.random() < self._rate
        self._dut.act_rd_gnt_i.value = int(self._granted)

    def sample(self) -> None:
        """Take this cycle's request; words that were not asked for hold noise."""
        mask, addresses = value(self._dut.act_rd_req_o), value(self._dut.act_rd_addr_o)
        data = bytearray(random.randbytes(len(self._data)))
        banks: list[int] = []
        for place in range(2 * GATHER_ROWS):
            if not mask >> place & 1:
                continue
            row, column = divmod(place, 2)
            address = addresses >> ADDRESS_BITS * row & (1 << ADDRESS_BITS) - 1
            address = (address + column * self._width) % (1 << ADDRESS_BITS)
            assert address % self._width == 0, f"{address:#x} is misaligned"
            assert address + self._width <= self._memory.size, f"{address:#x} is outside"
            banks.append(address // self._width % self._banks)
            if self._granted:
                word = self._memory[address : address + self._width]
                data[place * self._width : (place + 1) * self._width] = word.tobytes()
        assert len(set(banks)) == len(banks), f"a bank is read twice: {banks}"
        self._data = bytes(data)


class Writer:
    """Serves the activation write port."""

    def __init__(self, dut: Dut, memory: Bytes, width: int, rate: float) -> None:
        self._dut, self._memory, self._width, self._rate = dut, memory, width, rate
        self._granted = True

    def drive(self) -> None:
        """Set the grant of this cycle."""
        self._granted = random.random() < self._rate
        self._dut.act_wr_gnt_i.value = int(self._granted)

    def sample(self) -> None:
        """Take this cycle's word."""
        if not (value(self._dut.act_wr_req_o) and self._granted):
            return
        address = value(self._dut.act_wr_addr_o)
        assert address % self._width == 0
        assert address + self._width <= self._memory.size
        word = value(self._dut.act_wr_data_o).to_bytes(self._width, "little")
        self._memory[address : address + self._width] = np.frombuffer(word, np.uint8)


class Tables:
    """Answers a unit's table look-ups in the same cycle."""

    def __init__(self, dut: Dut, memory: Bytes, width: int) -> None:
        self._dut, self._memory, self._width = dut, memory, width

    def drive(self) -> None:
        """Look up what the unit asks for in this cycle: its indices come from registers.

        After a refused command the unit may name a table that there is not.
        """
        number = value(self._dut.table_o)
        indices = value(self._dut.table_index_o).to_bytes(self._width, "little")
        first = (number - 1) * TABLE_BYTES
        known = 0 <= first < self._memory.size
        looked_up = bytes(self._memory[first + i] for i in indices) if known else b""
        self._dut.table_data_i.value = int.from_bytes(looked_up, "little")

    def sample(self) -> None:
        """Nothing: a look-up has no effect."""


@dataclass
class Trace:
    """What a unit did, in cycles since the run began."""

    cycles: int = 0
    started: dict[int, int] = field(default_factory=dict)
    """Command id to cycle."""
    done: dict[int, int] = field(default_factory=dict)
    array: list[tuple[int, int]] = field(default_factory=list)
    """(ArrayCycle, command id) in each cycle; empty for the vector unit."""
    error: tuple[Cause, int] | None = None
    """(cause, command id)."""


@dataclass(frozen=True)
class Pace:
    """How fast the unit's surroundings are."""

    command_gap: float = 0.0
    """Probability that the next command is late, each cycle."""
    token_gap: float = 0.0
    """The same for each token of another unit."""


def limits() -> tuple[int, int]:
    """Random clip, mostly none."""
    if random.random() < 0.7:
        return -128, 127
    low, high = sorted(random.sample(range(-128, 128), 2))
    return low, high


async def reset(dut: Dut) -> None:
    """Reset once more; returns after a falling edge."""
    dut.rst_ni.value = 0
    dut.cmd_valid_i.value = 0
    dut.halt_i.value = 0
    await FallingEdge(dut.clk_i)
    await FallingEdge(dut.clk_i)
    dut.rst_ni.value = 1
    await FallingEdge(dut.clk_i)


async def play(
    dut: Dut,
    unit: Unit,
    commands: Sequence[Instruction],
    ports: Sequence[Reader | GatherReader | Writer | Tables],
    *,
    pace: Pace | None = None,
    limit: int = 30000,
) -> Trace:
    """Play commands until all are done, or for some cycles after an error.

    Command ids must be distinct. A token of the unit itself is there when enough of its commands
    are done; others come at random.

    Raises:
        AssertionError: no end within `limit` cycles, or completion out of order.
    """
    pace = pace or Pace()
    trace = Trace()
    words = [int.from_bytes(encode(command).tobytes(), "little") for command in commands]
    head, there, tokens, halt_in = 0, False, 0, 0
    while len(trace.done) < len(commands):
        assert trace.cycles < limit, f"{len(trace.done)} of {len(commands)} commands are done"
        there = head < len(commands) and (there or random.random() >= pace.command_gap)
        dut.cmd_valid_i.value = int(there)
        if there:
            tokens |= sum(1 << u for u in range(4) if random.random() >= pace.token_gap)
            own = len(trace.done) >= commands[head].values[f"wait_{unit.name.lower()}"]
            dut.cmd_i.value = words[head]
            dut.dep_met_i.value = tokens & ~(1 << unit) | own << unit
        for port in ports:
            port.drive()
        dut.halt_i.value = int(trace.error is not None)
        await ReadOnly()
        for port in ports:
            port.sample()
        if unit is Unit.CONV:
            trace.array.append((value(dut.array_cycle_o), value(dut.array_id_o)))
        if value(dut.start_o):
            assert there
            trace.started[value(dut.start_id_o)] = trace.cycles
        if value(dut.done_o):
            assert value(dut.done_id_o) == commands[len(trace.done)].values["id"]
            trace.done[value(dut.done_id_o)] = trace.cycles
        if value(dut.error_valid_o) and trace.error is None:
            number = value(dut.error_o)
            identity = number >> ERROR_INFO_BITS & (1 << ERROR_ID_BITS) - 1
            trace.error = Cause(number >> ERROR_INFO_BITS + ERROR_ID_BITS), identity
        elif trace.error is not None:
            assert not value(dut.start_o), "a unit starts nothing after an error"
            halt_in += 1
            if halt_in == 40:
                await FallingEdge(dut.clk_i)
                return trace
        if there and value(dut.cmd_ready_o):
            head, there, tokens = head + 1, False, 0
        trace.cycles += 1
        await FallingEdge(dut.clk_i)
    await ReadOnly()
    assert value(dut.idle_o), "all done, but not idle"
    await FallingEdge(dut.clk_i)
    return trace
