# SPDX-License-Identifier: Apache-2.0
"""tessera_vector_unit against the functional model: results, order, cycles, errors.

Its walker and its field check are covered here.
"""

from __future__ import annotations

from collections.abc import Sequence

import cocotb
import numpy as np
import pytest

from accel.codec import Instruction
from accel.config import AccelConfig
from accel.isa import Cause, Sram, Unit
from accel.model.machine import SEMANTICS
from accel.model.state import State, Stop
from accel.rules import legal
from tests.rtl.bench import run_cocotb
from tests.rtl.clocked import Dut, start, value
from tests.rtl.unit_bench import Pace, Reader, Tables, Trace, Writer, play, reset
from tests.rtl.vector.vector_commands import add, mul, pool, stream

LATENCY = 10
"""Cycles that a command may take beyond one per tap."""


def _config(k: int) -> AccelConfig:
    return AccelConfig(k_lanes=k, n_lanes=k, bus_bytes=8, act_kib=k)


@pytest.mark.parametrize(("k", "seed"), [(4, 1), (8, 2), (16, 3)])
def test_vector_unit(k: int, seed: int) -> None:
    parameters = {"KLanes": k, "ActBytes": _config(k).act_bytes}
    run_cocotb("tessera_vector_unit", __name__, parameters, seed=seed)


class Bench:
    """The unit, the model, and the memory that the unit sees."""

    def __init__(self, dut: Dut) -> None:
        self.dut = dut
        self.config = _config(value(dut.KLanes))
        self.state = State(self.config, np.zeros(0, np.uint8))
        act = self.state.srams[Sram.ACT]
        rng = np.random.default_rng(cocotb.RANDOM_SEED)
        act[:] = rng.integers(0, 256, act.size)
        tables = self.state.srams[Sram.TABLE]
        tables[:] = rng.integers(0, 256, tables.size)

    async def run(
        self, commands: Sequence[Instruction], grant: float = 1.0, pace: Pace | None = None
    ) -> Trace:
        """Play commands; if there was no error, the unit's memory is the model's."""
        dut, k = self.dut, self.config.k_lanes
        act = self.state.srams[Sram.ACT].copy()
        ports = [
            Reader(dut, "a_rd", act, k, grant),
            Reader(dut, "b_rd", act, k, grant),
            Tables(dut, self.state.srams[Sram.TABLE], k),
            Writer(dut, act, k, grant),
        ]
        trace = await play(dut, Unit.VECTOR, commands, ports, pace=pace)
        if trace.error is None:
            for command in commands:
                SEMANTICS[command.name](self.state, command.values)
            wrong = (act != self.state.srams[Sram.ACT]).nonzero()[0]
            assert not wrong.size, f"{wrong.size} bytes differ, first at {wrong[0]:#x}"
        return trace


def _taps(command: Instruction) -> int:
    v = command.values
    window = v.get("kernel_h", 1) * v.get("kernel_w", 1)
    return v["blocks"] * v["out_h"] * v["out_w"] * window


async def _random_streams(dut: Dut, streams: int, grant: float, pace: Pace) -> None:
    await start(dut)
    bench = Bench(dut)
    for _ in range(streams):
        commands = stream(bench.config, 6)
        trace = await bench.run(commands, grant, pace)
        if grant == 1.0:
            for command in commands:
                number = command.values["id"]
                cycles = trace.done[number] - trace.started[number]
                assert _taps(command) < cycles <= _taps(command) + LATENCY
        await reset(dut)


@cocotb.test()
async def random_streams_take_a_cycle_per_tap(dut: Dut) -> None:
    await _random_streams(dut, 15, 1.0, Pace())


@cocotb.test()
async def random_streams_with_stalls(dut: Dut) -> None:
    await _random_streams(dut, 10, 0.6, Pace(command_gap=0.5, token_gap=0.7))


@cocotb.test()
async def random_streams_behind_a_busy_memory(dut: Dut) -> None:
    await _random_streams(dut, 5, 0.15, Pace())


@cocotb.test()
async def next_command_starts_right_behind(dut: Dut) -> None:
    await start(dut)
    bench = Bench(dut)
    trace = await bench.run([pool(bench.config, 0), add(bench.config, 1), pool(bench.config, 2)])
    for number in (1, 2):
        assert trace.started[number] - trace.done[number - 1] <= 2


@cocotb.test()
async def fields_that_cannot_be_executed(dut: Dut) -> None:
    await start(dut)
    bench = Bench(dut)
    config = bench.config
    odd = config.k_lanes + 1
    pools: list[dict[str, int]] = [
        {"in_h": 0}, {"in_w": 0}, {"kernel_h": 0}, {"kernel_w": 0}, {"stride_y": 0},
        {"stride_x": 0}, {"blocks": 0}, {"out_h": 0}, {"out_w": 0}, {"in_addr": odd},
        {"in_plane": odd}, {"in_pitch": odd}, {"out_addr": odd}, {"out_plane": odd},
        {"out_pitch": odd}, {"kind": 2}, {"kind": 3}, {"out_step": 0}, {"out_step": odd},
        {"use_table": 5}, {"shift": 0}, {"shift": 63},
        {"multiplier": 1 << 31},
    ]  # fmt: skip
    adds: list[dict[str, int]] = [
        {"blocks": 0}, {"out_h": 0}, {"out_w": 0}, {"a_addr": odd}, {"a_plane": odd},
        {"a_pitch": odd}, {"b_addr": odd}, {"b_plane": odd}, {"b_pitch": odd}, {"out_addr": odd},
        {"out_plane": odd}, {"out_pitch": odd}, {"out_step": 0}, {"out_step": odd},
        {"use_table": 5}, {"shift": 0}, {"shift": 63},
    ]  # fmt: skip
    bad = [pool(config, 1, **change) for change in pools]
    bad += [make(config, 1, **change) for make in (add, mul) for change in adds]
    lowest = -(1 << 31)
    twice: list[dict[str, int]] = [{"sum_mult": 1 << 31}, {"a_mult": lowest}, {"b_mult": lowest}]
    bad += [add(config, 1, rounding=1, **change) for change in twice]
    bad.append(mul(config, 1, rounding=1, multiplier=-1))
    for command in bad:
        assert not legal(command, config)
        trace = await bench.run([pool(config, 0), command, add(config, 2)])
        assert trace.error == (Cause.FIELD, 1), command
        await reset(dut)


@cocotb.test()
async def maximum_needs_no_multiplier(dut: Dut) -> None:
    await start(dut)
    bench = Bench(dut)
    command = pool(bench.config, 0, kind=0, shift=0, multiplier=1 << 31, out_zp=100)
    assert (await bench.run([command])).error is None


@cocotb.test()
async def windows_of_padding_only(dut: Dut) -> None:
    await start(dut)
    bench = Bench(dut)
    middle, size = bench.config.act_bytes // 2, 4 * bench.config.k_lanes
    highest = pool(bench.config, 0, kind=0, pad_top=4)
    average = pool(bench.config, 1, kind=1, pad_top=4, bias=5, shift=31, out_addr=middle + size)
    await bench.run([highest, average])
    out = bench.state.srams[Sram.ACT][middle : middle + 2 * size].view(np.int8)
    assert set(out[:size].tolist()) == {-128}
    assert set(out[size:].tolist()) == {1}  # 5 / 2, half up, with zero point -2


@cocotb.test()
async def addresses_outside_of_the_memory(dut: Dut) -> None:
    await start(dut)
    bench = Bench(dut)
    config, k, end = bench.config, bench.config.k_lanes, bench.config.act_bytes
    bad = [
        *(pool(config, 0, in_addr=x) for x in (end, end - 15 * k, (1 << 24) - 64)),
        *(pool(config, 0, out_addr=x) for x in (end, end - 3 * k)),
        pool(config, 0, blocks=2, in_plane=end),
        pool(config, 0, blocks=2, out_plane=end),
        *(add(config, 0, **{f"{x}_addr": end}) for x in ("a", "b", "out")),
        *(add(config, 0, **{f"{x}_addr": end - 3 * k}) for x in ("a", "b", "out")),
        *(add(config, 0, **{f"{x}_pitch": end // k * k}) for x in ("a", "b")),
        # Positions that come round to 0 if they are kept in 24 bits.
        *(
            add(config, 0, blocks=2, **{f"{x}_addr": 256, f"{x}_plane": (1 << 24) - 256})
            for x in ("a", "b", "out")
        ),
        pool(config, 0, blocks=2, in_addr=256, in_plane=(1 << 24) - 256),
        pool(config, 0, in_addr=256, in_pitch=65792, in_h=300, stride_y=255, kernel_h=1),
    ]
    for command in bad:
        assert legal(command, config)
        with pytest.raises(Stop) as stop:
            SEMANTICS[command.name](bench.state, command.values)
        assert stop.value.cause is Cause.SRAM_RANGE
        trace = await bench.run([command])
        assert trace.error == (Cause.SRAM_RANGE, 0), command
        await reset(dut)
