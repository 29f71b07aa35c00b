# SPDX-License-Identifier: Apache-2.0
"""tessera_load_unit against the functional model, on memories that stall, wait and fail."""

from __future__ import annotations

import random

import cocotb
import numpy as np
import pytest

from accel.codec import Instruction
from accel.isa import Cause, Sram
from accel.model.state import State
from accel.model.transfer import load
from tests.rtl.bench import run_cocotb
from tests.rtl.clocked import Dut, start, value
from tests.rtl.dma.axi import ReadMemory, Timing
from tests.rtl.dma.driver import Driver, Error
from tests.rtl.dma.transfers import (
    MEMORY_BYTES,
    WINDOWS,
    config_for,
    random_transfer,
    transfer,
    window_bits,
)

READABLE = [0, 1]


@pytest.mark.parametrize(
    ("bus_bytes", "bursts", "beats", "seed"), [(16, 8, 16, 1), (8, 2, 4, 2), (4, 16, 64, 3)]
)
def test_load_unit(bus_bytes: int, bursts: int, beats: int, seed: int) -> None:
    config = config_for(bus_bytes)
    sizes = {
        "BusBytes": bus_bytes, "ReadBursts": bursts, "BurstBeats": beats,
        "ActBytes": config.act_bytes, "WeightBytes": config.weight_bytes,
        "ParamBytes": config.param_bytes,
        "TableBytes": config.table_bytes,
    }  # fmt: skip
    run_cocotb("tessera_load_unit", __name__, sizes, seed=seed)


class Srams:
    """What the unit writes; the ACT SRAM makes it wait."""

    def __init__(self, state: State, stall: float) -> None:
        self.state = state
        self.stall = stall

    def drive(self, dut: Dut) -> None:
        dut.act_wr_gnt_i.value = int(random.random() >= self.stall)

    def sample(self, dut: Dut) -> None:
        requests = {
            Sram.ACT: value(dut.act_wr_req_o) and value(dut.act_wr_gnt_i),
            Sram.WEIGHT: value(dut.weight_wr_req_o),
            Sram.PARAM: value(dut.param_wr_req_o),
            Sram.TABLE: value(dut.table_wr_req_o),
        }
        assert sum(map(bool, requests.values())) <= 1
        for sram, request in requests.items():
            if request:
                size = self.state.config.bus_bytes
                raw = value(dut.wr_data_o).to_bytes(size, "little")
                place = self.state.sram(sram, value(dut.wr_addr_o), size)
                place[:] = np.frombuffer(raw, np.uint8)


async def _bench(
    dut: Dut, timing: Timing, stall: float = 0.0, error_at: int = -1
) -> tuple[Driver, ReadMemory, State]:
    """The unit with memory and SRAMs; the state is what the unit wrote."""
    config = config_for(value(dut.BusBytes))
    data = np.frombuffer(random.randbytes(MEMORY_BYTES), np.uint8)
    memory = ReadMemory(data, config.bus_bytes, value(dut.BurstBeats), timing, error_at)
    await start(dut, window_i=window_bits(WINDOWS))
    state = State(config, data)
    return Driver(dut, [memory, Srams(state, stall)]), memory, state


def _same(state: State, commands: list[Instruction]) -> None:
    """The SRAMs hold what the model says."""
    expected = State(state.config, state.memory)
    expected.windows = WINDOWS
    for command in commands:
        load(expected, command.values)
    for sram in Sram:
        np.testing.assert_array_equal(state.srams[sram], expected.srams[sram], str(sram))


async def _random_commands(dut: Dut, timing: Timing, stall: float) -> None:
    bench, memory, state = await _bench(dut, timing, stall)
    commands = [random_transfer("LOAD", n, state.config, READABLE) for n in range(1, 60)]
    bench.push(*commands)
    await bench.run()
    assert bench.started == bench.done == list(range(1, 60))
    assert not bench.errors
    assert memory.most <= value(dut.ReadBursts)
    _same(state, commands)


@cocotb.test()
async def random_commands_quick_memory(dut: Dut) -> None:
    await _random_commands(dut, Timing(latency=1), 0.0)


@cocotb.test()
async def random_commands_stalling(dut: Dut) -> None:
    await _random_commands(dut, Timing(latency=20, stall=0.4), 0.5)


@cocotb.test()
async def waits_for_all_tokens(dut: Dut) -> None:
    bench, memory, _ = await _bench(dut, Timing())
    bench.push(transfer("LOAD", 1))
    for missing in range(4):
        bench.tokens = 0xF & ~(1 << missing)
        for _ in range(10):
            await bench.cycle()
        assert not bench.started
        assert not memory.taken
        assert value(dut.state_o) == 2 + missing  # Wait.DEP_*
    bench.tokens = 0xF
    await bench.run()
    assert bench.done == [1]


@cocotb.test()
async def one_beat_per_cycle_under_latency(dut: Dut) -> None:
    """Four commands back to back, as far as the bursts in flight cover the latency."""
    bus = value(dut.BusBytes)
    covered = value(dut.ReadBursts) * value(dut.BurstBeats)
    latency = min(64, covered - 2 * value(dut.BurstBeats))
    bench, _, state = await _bench(dut, Timing(latency=latency))
    beats = 128
    commands = [
        transfer("LOAD", n, offset=n * beats * bus, sram_addr=0, row_bytes=beats * bus)
        for n in range(4)
    ]
    bench.push(*commands)
    cycles = await bench.run()
    # Windows begin at any place in a page, so a burst is cut at each page.
    assert cycles <= 4 * beats + latency + 16
    _same(state, commands)


@cocotb.test()
async def field_errors_never_reach_the_bus(dut: Dut) -> None:
    bad: list[dict[str, int]] = [
        {"row_bytes": 0}, {"rows": 0}, {"planes": 0}, {"window": 4}, {"sram": 4},
        {"offset": 2}, {"sram_addr": 2}, {"row_bytes": 62}, {"row_stride": 1},
        {"sram_row_stride": 2}, {"plane_stride": 1}, {"sram_plane_stride": 2},
    ]  # fmt: skip
    for fields in bad:
        bench, memory, _ = await _bench(dut, Timing())
        bench.push(transfer("LOAD", 7, **fields), transfer("LOAD", 8))
        await bench.run()
        assert bench.errors == [Error(Cause.FIELD, 7, 0)], fields
        assert not memory.taken
        assert not bench.done


@cocotb.test()
async def window_errors_never_reach_the_bus(dut: Dut) -> None:
    size = WINDOWS[1].size
    bad = {
        (("window", 2),): 0,  # not readable
        (("window", 3),): 0,  # closed
        (("offset", size),): size,
        (("offset", size - 64 + value(dut.BusBytes)),): None,
        (("offset", 0xFFFFFFC0),): 0xFFFFFFC0,
    }
    for fields, info in bad.items():
        bench, _, _ = await _bench(dut, Timing())
        bench.push(transfer("LOAD", 5, **dict(fields)), transfer("LOAD", 6))
        await bench.run()
        assert [(e.cause, e.id) for e in bench.errors] == [(Cause.WINDOW, 5)], fields
        assert info is None or bench.errors[0].info == info
        assert 5 not in bench.done
        assert 6 not in bench.started


@cocotb.test()
async def offsets_do_not_wrap_around(dut: Dut) -> None:
    bench, memory, _ = await _bench(dut, Timing())
    bench.push(transfer("LOAD", 5, offset=64, rows=2, row_stride=0xFFFFFFC0, sram_row_stride=64))
    await bench.run()
    assert [(e.cause, e.id) for e in bench.errors] == [(Cause.WINDOW, 5)]
    assert memory.taken * value(dut.BurstBeats) * value(dut.BusBytes) >= 64


@cocotb.test()
async def sram_range_is_kept(dut: Dut) -> None:
    config = config_for(value(dut.BusBytes))
    for sram, size in (
        (Sram.ACT, config.act_bytes),
        (Sram.WEIGHT, config.weight_bytes),
        (Sram.PARAM, config.param_bytes),
        (Sram.TABLE, config.table_bytes),
    ):
        whole = transfer("LOAD", 1, sram=sram, sram_addr=size - 64)
        wrapped = {"sram_addr": 64, "rows": 2, "row_stride": 64, "sram_row_stride": 0xFFFFC0}
        for fields in ({"sram_addr": size - 32}, {"sram_addr": size}, wrapped):
            bench, _, _ = await _bench(dut, Timing(latency=3))
            bench.push(whole, transfer("LOAD", 2, sram=sram, **fields), transfer("LOAD", 3))
            await bench.run()
            assert [(e.cause, e.id) for e in bench.errors] == [(Cause.SRAM_RANGE, 2)], fields
            assert bench.errors[0].info >= size
            assert bench.done == [1]


@cocotb.test()
async def bus_error_names_burst_and_command(dut: Dut) -> None:
    place = WINDOWS[1].base + 64 * 9
    bench, memory, _ = await _bench(dut, Timing(latency=9, stall=0.2), 0.3, error_at=place)
    rows = {"row_stride": 64, "sram_row_stride": 64}
    bench.push(
        transfer("LOAD", 1, rows=5, **rows),
        transfer("LOAD", 2, rows=8, offset=5 * 64, **rows),
        transfer("LOAD", 3, rows=8),
    )
    await bench.run()
    [error] = bench.errors
    assert (error.cause, error.id) == (Cause.AXI_READ, 2)
    size = value(dut.BurstBeats) * value(dut.BusBytes)
    assert error.info <= place < error.info + size
    assert bench.done == [1]
    assert not memory.bursts, "bursts under way are taken off the bus"


@cocotb.test()
async def halt_drains_the_bus_and_starts_nothing(dut: Dut) -> None:
    for run in range(12):
        bench, memory, _ = await _bench(dut, Timing(latency=12, stall=0.3), 0.2)
        bench.push(*(random_transfer("LOAD", n, config_for(value(dut.BusBytes)), READABLE)
                     for n in range(20)))  # fmt: skip
        for _ in range(10 + 9 * run):
            await bench.cycle()
        bench.halt = True
        taken, started = memory.taken + value(dut.m_axi_arvalid_o), len(bench.started)
        for _ in range(20 * value(dut.ReadBursts) * value(dut.BurstBeats)):
            await bench.cycle()
            if value(dut.quiet_o):
                break
        assert value(dut.quiet_o)
        assert not memory.bursts
        assert memory.taken <= taken + 1
        assert len(bench.started) == started
