# SPDX-License-Identifier: Apache-2.0
"""tessera_store_unit against the functional model, on memories that stall, wait and fail."""

from __future__ import annotations

import random

import cocotb
import numpy as np
import pytest

from accel.isa import Cause, Sram
from accel.model.state import State
from accel.model.transfer import store
from tests.rtl.bench import run_cocotb
from tests.rtl.clocked import Dut, start, value
from tests.rtl.dma.axi import Timing, WriteMemory
from tests.rtl.dma.driver import Driver, Error
from tests.rtl.dma.transfers import (
    MEMORY_BYTES,
    WINDOWS,
    config_for,
    random_transfer,
    transfer,
    window_bits,
)

WRITABLE = [1, 2]


@pytest.mark.parametrize(
    ("bus_bytes", "bursts", "beats", "seed"), [(16, 8, 16, 1), (8, 2, 4, 2), (4, 16, 64, 3)]
)
def test_store_unit(bus_bytes: int, bursts: int, beats: int, seed: int) -> None:
    sizes = {
        "BusBytes": bus_bytes, "WriteBursts": bursts, "BurstBeats": beats,
        "ActBytes": config_for(bus_bytes).act_bytes,
    }  # fmt: skip
    run_cocotb("tessera_store_unit", __name__, sizes, seed=seed)


class ActSram:
    """Answers the unit's reads one cycle after a grant; the data lines are noise otherwise."""

    def __init__(self, state: State, stall: float) -> None:
        self.state = state
        self.stall = stall
        self.answer: bytes | None = None

    def drive(self, dut: Dut) -> None:
        size = self.state.config.bus_bytes
        data = self.answer if self.answer is not None else random.randbytes(size)
        dut.act_rd_data_i.value = int.from_bytes(data, "little")
        dut.act_rd_gnt_i.value = int(random.random() >= self.stall)

    def sample(self, dut: Dut) -> None:
        self.answer = None
        if value(dut.act_rd_req_o):
            address = value(dut.act_rd_addr_o)
            data = self.state.sram(Sram.ACT, address, self.state.config.bus_bytes)
            if value(dut.act_rd_gnt_i):
                self.answer = data.tobytes()


async def _bench(
    dut: Dut, timing: Timing, stall: float = 0.0, error_at: int = -1
) -> tuple[Driver, WriteMemory, State]:
    """The unit, the memory it writes, and a model with the same contents before the run."""
    config = config_for(value(dut.BusBytes))
    before = np.frombuffer(random.randbytes(MEMORY_BYTES), np.uint8)
    bench_memory = WriteMemory(
        before.copy(), config.bus_bytes, value(dut.BurstBeats), timing, error_at
    )
    model = State(config, before.copy())
    model.windows = WINDOWS
    act = model.sram(Sram.ACT, 0, config.act_bytes)
    act[:] = np.frombuffer(random.randbytes(config.act_bytes), np.uint8)
    await start(dut, window_i=window_bits(WINDOWS))
    return Driver(dut, [bench_memory, ActSram(model, stall)]), bench_memory, model


async def _random_commands(dut: Dut, timing: Timing, stall: float) -> None:
    bench, memory, model = await _bench(dut, timing, stall)
    commands = [random_transfer("STORE", n, model.config, WRITABLE) for n in range(1, 60)]
    bench.push(*commands)
    await bench.run()
    assert bench.started == bench.done == list(range(1, 60))
    assert not bench.errors
    for command in commands:
        store(model, command.values)
    np.testing.assert_array_equal(memory.data, model.memory)


@cocotb.test()
async def random_commands_quick_memory(dut: Dut) -> None:
    await _random_commands(dut, Timing(latency=1), 0.0)


@cocotb.test()
async def random_commands_stalling(dut: Dut) -> None:
    await _random_commands(dut, Timing(latency=20, stall=0.4), 0.5)


@cocotb.test()
async def done_comes_after_the_last_response(dut: Dut) -> None:
    bench, memory, model = await _bench(dut, Timing(latency=50))
    bench.push(transfer("STORE", 1))
    beats = 64 // model.config.bus_bytes
    while not bench.done:
        await bench.cycle()
        assert not bench.done or memory.taken * value(dut.BurstBeats) >= beats
    assert bench.cycles > 50
    assert not memory.bursts
    assert not memory.waiting


@cocotb.test()
async def one_beat_per_cycle(dut: Dut) -> None:
    """As far as the bursts that may be open cover the memory's latency."""
    bus = value(dut.BusBytes)
    covered = value(dut.WriteBursts) * value(dut.BurstBeats)
    bench, memory, model = await _bench(dut, Timing(latency=64 if covered >= 128 else 0))
    beats = 128
    commands = [
        transfer("STORE", n, offset=n * beats * bus, row_bytes=beats * bus) for n in range(4)
    ]
    bench.push(*commands)
    cycles = await bench.run()
    assert cycles <= 4 * beats + 80
    for command in commands:
        store(model, command.values)
    np.testing.assert_array_equal(memory.data, model.memory)


@cocotb.test()
async def illegal_commands_never_reach_the_bus(dut: Dut) -> None:
    size = config_for(value(dut.BusBytes)).act_bytes
    bad: list[tuple[Cause, dict[str, int]]] = [
        (Cause.FIELD, {"row_bytes": 0}),
        (Cause.FIELD, {"rows": 0}),
        (Cause.FIELD, {"planes": 0}),
        (Cause.FIELD, {"window": 9}),
        (Cause.FIELD, {"offset": 2}),
        (Cause.FIELD, {"sram_addr": 2}),
        (Cause.FIELD, {"row_stride": 2}),
        (Cause.WINDOW, {"window": 0}),  # not writable
        (Cause.WINDOW, {"window": 3}),  # closed
        (Cause.WINDOW, {"offset": 0xFFFFFFC0}),
        (Cause.SRAM_RANGE, {"sram_addr": size}),
        (Cause.SRAM_RANGE, {"sram_addr": 0xFFFFC0}),
    ]
    for cause, fields in bad:
        bench, memory, _ = await _bench(dut, Timing())
        bench.push(transfer("STORE", 7, **fields), transfer("STORE", 8))
        await bench.run()
        [error] = bench.errors
        assert (error.cause, error.id) == (cause, 7), fields
        assert not memory.taken
        assert not bench.done


@cocotb.test()
async def addresses_do_not_wrap_around(dut: Dut) -> None:
    size = config_for(value(dut.BusBytes)).act_bytes
    second = {"rows": 2, "row_stride": 64, "sram_row_stride": 64}
    cases = [
        (Error(Cause.WINDOW, 2, 0), {"offset": 64, "row_stride": 0xFFFFFFC0}),
        (Error(Cause.SRAM_RANGE, 2, 1 << 24), {"sram_addr": 64, "sram_row_stride": 0xFFFFC0}),
        (Error(Cause.SRAM_RANGE, 2, size), {"sram_addr": size - 64}),
    ]
    for error, fields in cases:
        bench, _, _ = await _bench(dut, Timing(latency=9))
        bench.push(transfer("STORE", 1), transfer("STORE", 2, **second | fields))
        await bench.run()
        assert bench.errors == [error]
        assert bench.done == [1], "what came before completes"


@cocotb.test()
async def bus_error_names_burst_and_command(dut: Dut) -> None:
    place = WINDOWS[1].base + 64 * 9
    bench, memory, _ = await _bench(dut, Timing(latency=9, stall=0.2), 0.3, error_at=place)
    rows = {"row_stride": 64, "sram_row_stride": 64}
    bench.push(
        transfer("STORE", 1, rows=5, **rows),
        transfer("STORE", 2, rows=8, offset=5 * 64, **rows),
        transfer("STORE", 3, rows=8, offset=5 * 640, **rows),
    )
    await bench.run()
    error = bench.errors[0]
    assert (error.cause, error.id) == (Cause.AXI_WRITE, 2)
    size = value(dut.BurstBeats) * value(dut.BusBytes)
    assert error.info <= place < error.info + size
    assert bench.done == [1]
    assert not memory.bursts, "addressed bursts get their data"
    assert not memory.waiting, "all responses are taken"


@cocotb.test()
async def halt_drains_the_bus_and_starts_nothing(dut: Dut) -> None:
    for run in range(12):
        bench, memory, model = await _bench(dut, Timing(latency=12, stall=0.3), 0.2)
        bench.push(*(random_transfer("STORE", n, model.config, WRITABLE) for n in range(20)))
        for _ in range(10 + 9 * run):
            await bench.cycle()
        bench.halt = True
        taken, started = memory.taken, len(bench.started)
        for _ in range(20 * value(dut.WriteBursts) * value(dut.BurstBeats)):
            await bench.cycle()
            if value(dut.quiet_o):
                break
        assert value(dut.quiet_o)
        assert not memory.bursts
        assert not memory.waiting
        assert memory.taken <= taken + 1
        assert len(bench.started) == started
