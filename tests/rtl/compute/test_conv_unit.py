# SPDX-License-Identifier: Apache-2.0
"""tessera_conv_unit against the functional model: results, order, cycles, errors.

The unit's modules (issue, walkers, dot product, accumulator, output stage) are covered here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import cocotb
import numpy as np
import pytest

from accel.codec import Instruction
from accel.config import AccelConfig
from accel.isa import ArrayCycle, Cause, Sram, Unit
from accel.model.conv import conv
from accel.model.state import State, Stop
from accel.rules import legal
from tests.rtl.bench import run_cocotb
from tests.rtl.clocked import Dut, start, value
from tests.rtl.compute.conv_commands import Stream, dense, depthwise, fill, fold, passes
from tests.rtl.unit_bench import GatherReader, Pace, Reader, Tables, Trace, Writer, play, reset


def _config(k: int, n: int, bus: int) -> AccelConfig:
    return AccelConfig(
        k_lanes=k, n_lanes=n, bus_bytes=bus, act_kib=k, weight_kib=max(1, k * n // 8),
        param_kib=2, acc_entries=64, depthwise=k == n,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("k", "n", "bus", "seed"), [(4, 4, 8, 1), (8, 8, 8, 2), (16, 16, 16, 3), (8, 16, 16, 4)]
)
def test_conv_unit(k: int, n: int, bus: int, seed: int) -> None:
    config = _config(k, n, bus)
    parameters = {
        "KLanes": k, "NLanes": n, "BusBytes": bus, "ActBytes": config.act_bytes,
        "WeightBytes": config.weight_bytes, "ParamBytes": config.param_bytes,
        "AccEntries": config.acc_entries, "ActBanks": config.act_banks,
        "Depthwise": int(config.depthwise),
    }  # fmt: skip
    run_cocotb("tessera_conv_unit", __name__, parameters, seed=seed)


class Bench:
    """The unit, the model, and the memories that the unit sees."""

    def __init__(self, dut: Dut) -> None:
        self.dut = dut
        self.config = _config(value(dut.KLanes), value(dut.NLanes), value(dut.BusBytes))
        self.state = State(self.config, np.zeros(0, np.uint8))
        fill(self.state)

    async def run(
        self, commands: Sequence[Instruction], grant: float = 1.0, pace: Pace | None = None
    ) -> Trace:
        """Play commands; if there was no error, the unit's memory is the model's."""
        dut, config = self.dut, self.config
        act = self.state.srams[Sram.ACT].copy()
        ports = [
            GatherReader(dut, act, config, grant),
            Reader(dut, "res_rd", act, config.k_lanes, grant),
            Reader(dut, "wgt_rd", self.state.srams[Sram.WEIGHT], config.n_lanes, 1.0),
            Reader(dut, "par_rd", self.state.srams[Sram.PARAM], config.bus_bytes, 1.0),
            Tables(dut, self.state.srams[Sram.TABLE], config.k_lanes),
            Writer(dut, act, config.k_lanes, 1.0),  # the output stage has the first write port
        ]
        trace = await play(dut, Unit.CONV, commands, ports, pace=pace)
        if trace.error is None:
            for command in commands:
                conv(self.state, command.values)
            wrong = (act != self.state.srams[Sram.ACT]).nonzero()[0]
            assert not wrong.size, f"{wrong.size} bytes differ, first at {wrong[0]:#x}"
            assert _busy(trace) == sum(_passes(c) * _pixels(c) for c in commands)
        return trace


def _pixels(command: Instruction) -> int:
    return command.values["out_h"] * command.values["out_w"]


def _passes(command: Instruction) -> int:
    return command.values["n_blocks"] * passes(command.values)


def _busy(trace: Trace) -> int:
    return sum(cycle == ArrayCycle.BUSY for cycle, _ in trace.array)


def _span(trace: Trace) -> list[ArrayCycle]:
    """What the array did from its first to its last pixel."""
    cycles = [ArrayCycle(cycle) for cycle, _ in trace.array]
    first = cycles.index(ArrayCycle.BUSY)
    last = len(cycles) - cycles[::-1].index(ArrayCycle.BUSY)
    return cycles[first:last]


async def _random_streams(dut: Dut, streams: int, grant: float, pace: Pace) -> None:
    await start(dut)
    bench = Bench(dut)
    for _ in range(streams):
        stream = Stream(bench.config)
        for _ in range(6):
            stream.add()
        await bench.run(stream.commands, grant, pace)
        await reset(dut)


@cocotb.test()
async def random_streams_at_full_speed(dut: Dut) -> None:
    await _random_streams(dut, 15, 1.0, Pace())


@cocotb.test()
async def random_streams_with_stalls(dut: Dut) -> None:
    await _random_streams(dut, 10, 0.6, Pace(command_gap=0.5, token_gap=0.7))


@cocotb.test()
async def random_streams_with_late_commands(dut: Dut) -> None:
    await _random_streams(dut, 5, 0.9, Pace(command_gap=0.99, token_gap=0.9))


@cocotb.test()
async def no_bubble_between_passes_blocks_and_commands(dut: Dut) -> None:
    """Tiles of at least K pixels keep the array busy in every cycle, weights and drain beside."""
    await start(dut)
    bench = Bench(dut)
    for out_h, out_w in ((4, 4), (4, 8), (2, 9)):
        shape = {"kernel_h": 2, "kernel_w": 2, "pad_top": 1, "in_h": out_h, "in_w": out_w}
        shape |= {"out_h": out_h, "out_w": out_w, "in_pitch": out_w * bench.config.k_lanes}
        commands = [
            Instruction("CONV", dense(bench.config, i, n_blocks=1 + i % 2, **shape))
            for i in range(4)
        ]
        trace = await bench.run(commands)
        assert set(_span(trace)) == {ArrayCycle.BUSY}


@cocotb.test()
async def small_tiles_take_k_cycles_a_pass(dut: Dut) -> None:
    await start(dut)
    bench = Bench(dut)
    shape = {"out_h": 1, "out_w": 2, "kernel_h": 3, "kernel_w": 1, "pad_top": 1}
    commands = [Instruction("CONV", dense(bench.config, i, n_blocks=2, **shape)) for i in range(4)]
    trace = await bench.run(commands)
    span = _span(trace)
    assert len(span) <= bench.config.k_lanes * sum(_passes(c) for c in commands)
    assert set(span) == {ArrayCycle.BUSY, ArrayCycle.WEIGHT}


@cocotb.test()
async def drain_sets_the_pace_of_single_passes(dut: Dut) -> None:
    """When a block is a single pass: one cycle per word and one per block, after the first fill."""
    await start(dut)
    bench = Bench(dut)
    config, blocks = bench.config, 6
    shape = {"out_h": 4, "out_w": 8, "in_h": 4, "in_w": 8, "in_pitch": 8 * config.k_lanes}
    command = Instruction("CONV", dense(config, 0, n_blocks=blocks, residual=1, **shape))
    trace = await bench.run([command])
    words = config.words_per_vector * _pixels(command)
    fill_array, fill_output = 5, 8
    assert len(_span(trace)) <= blocks * (words + 1) + fill_array
    first = trace.array.index((ArrayCycle.BUSY, 0))
    last_write = first + _pixels(command) + fill_array + blocks * (words + 1) + fill_output
    assert trace.done[0] <= last_write


@cocotb.test()
async def weights_wait_for_a_dependent_command(dut: Dut) -> None:
    """A command that waits for its predecessor starts within a few cycles of its completion."""
    await start(dut)
    bench = Bench(dut)
    commands = [Instruction("CONV", dense(bench.config, i, wait_conv=i)) for i in range(4)]
    trace = await bench.run(commands)
    for i in range(1, 4):
        first = trace.array.index((ArrayCycle.BUSY, i))
        waiting = [cycle for cycle, number in trace.array[:first] if number == i]
        assert ArrayCycle.DEP_CONV in waiting
        assert first - trace.done[i - 1] <= 3
    assert Counter(cycle for cycle, _ in trace.array)[ArrayCycle.ISSUE] <= 2 * len(commands)


@cocotb.test()
async def depthwise_rows_take_one_cycle_more_than_their_pixels(dut: Dut) -> None:
    """A row begins with (kernel_w - stride) / 2 reads that fill the window, rounded up."""
    await start(dut)
    bench = Bench(dut)
    if not bench.config.depthwise:
        return
    k = bench.config.k_lanes
    for kernel, stride in ((1, 1), (2, 1), (3, 1), (3, 2), (4, 1), (4, 2)):
        width, height = 9, 3
        shape = {"kernel_h": 1, "kernel_w": kernel, "stride_x": stride, "in_h": 3, "in_w": 12}
        shape |= {"out_h": height, "out_w": width, "pad_left": kernel // 2, "in_pitch": 12 * k}
        values = depthwise(bench.config, 0, 1, n_blocks=2, in_plane=36 * k, **shape)
        trace = await bench.run([Instruction("CONV", values)])
        fills = max(0, -(-(kernel - stride) // 2))
        rows = 2 * height
        span = _span(trace)  # the fills before the first pixel are not in it
        assert span.count(ArrayCycle.ACTIVATION) <= (rows - 1) * fills
        assert len(span) == rows * width + (rows - 1) * fills


@cocotb.test()
async def folded_passes_have_no_bubble(dut: Dut) -> None:
    """A few-channel input takes one cycle for a pixel and pass: 3x3x3 is two passes at K = 16."""
    await start(dut)
    bench = Bench(dut)
    shape = {"kernel_h": 3, "kernel_w": 3, "in_h": 4, "in_w": 8, "pad_top": 1, "pad_left": 1}
    shape |= {"out_h": 4, "out_w": 8}
    commands = [Instruction("CONV", fold(bench.config, i, 3, **shape)) for i in range(3)]
    trace = await bench.run(commands)
    assert set(_span(trace)) == {ArrayCycle.BUSY}


@cocotb.test()
async def fields_that_cannot_be_executed(dut: Dut) -> None:
    await start(dut)
    bench = Bench(dut)
    config = bench.config
    changes: list[dict[str, int]] = [
        {name: 0}
        for name in (
            "in_h", "in_w", "kernel_h", "kernel_w", "stride_y", "stride_x", "dilation_y",
            "dilation_x", "cin_blocks", "n_blocks", "out_h", "out_w",
        )
    ]  # fmt: skip
    changes += [
        {name: config.k_lanes + 1}
        for name in (
            "in_addr", "in_plane", "in_pitch", "in_group", "out_addr", "out_plane", "out_pitch",
            "res_addr", "res_plane", "res_pitch",
        )
    ]  # fmt: skip
    changes += [
        {"weight_addr": config.n_lanes // 2}, {"param_addr": config.bus_bytes // 2},
        {"mode": 3}, {"mode": 15}, {"out_step": 0}, {"out_step": config.k_lanes + 1},
        {"use_table": config.tables + 1}, {"use_table": 15},
        {"out_h": 1, "out_w": config.tile_pixels + 1},
        {"out_h": 4095, "out_w": 4095, "out_plane": 0, "out_pitch": 0},
        {"n_blocks": 2, "last": 0}, {"n_blocks": 2, "first": 0},
        {"residual": 1, "add_shift": 0}, {"residual": 1, "add_shift": 63},
    ]  # fmt: skip
    folded = fold(config, 0, 3, kernel_w=2, kernel_h=2)
    taps = depthwise(config, 0, 1, kernel_h=2, kernel_w=2)
    both = ({"passes": 0}, {"pass_rows": 0}, {"pass_rows": 5}, {"cin_blocks": 2}, {"dilation_x": 2})
    changes += [mode | change for mode in (folded, taps) for change in (*both, {"centered": 1})]
    if config.n_lanes != config.k_lanes:
        changes.append({"transposed": 1})
    changes += [
        folded | change
        for change in ({"channels": 0}, {"channels": 9}, {"fold_bytes": config.k_lanes // 4 - 1})
    ]
    changes += [
        taps | change
        for change in ({"stride_x": 3}, {"kernel_w": config.k_lanes + 1}, {"in_addr": 1})
    ]
    eight_banks = config.act_banks * config.k_lanes
    changes.append(folded | {"pass_rows": 2, "in_pitch": eight_banks})
    changes.append(taps | {"pass_rows": 2, "in_pitch": eight_banks + config.k_lanes})
    for number, change in enumerate(changes):
        good = Instruction("CONV", dense(config, 1000))
        bad = Instruction("CONV", dense(config, number, **change) | {"id": number})
        assert not legal(bad, config), change
        trace = await bench.run([good, bad, good])
        assert trace.error == (Cause.FIELD, number), change
        assert number not in trace.started
        await reset(dut)


@cocotb.test()
async def addresses_outside_of_the_memories(dut: Dut) -> None:
    await start(dut)
    bench = Bench(dut)
    config, k = bench.config, bench.config.k_lanes
    tile, record = config.weight_tile_bytes, config.param_record_bytes
    changes: list[dict[str, int]] = [
        {"in_addr": config.act_bytes}, {"in_addr": config.act_bytes - 15 * k},
        {"in_addr": (1 << 24) - 64}, {"in_plane": config.act_bytes, "cin_blocks": 2},
        {"in_group": config.act_bytes, "n_blocks": 2},
        {"weight_addr": config.weight_bytes}, {"weight_addr": config.weight_bytes - tile,
         "kernel_w": 2}, {"param_addr": config.param_bytes},
        {"param_addr": config.param_bytes - record + config.bus_bytes},
        {"out_addr": config.act_bytes}, {"out_addr": config.act_bytes - 15 * k},
        {"out_plane": config.act_bytes, "n_blocks": 2},
        {"residual": 1, "res_addr": config.act_bytes},
        {"residual": 1, "res_pitch": config.act_bytes // 2, "res_addr": k},
        # Positions that come round to 0 if they are kept in 24 bits.
        {"out_addr": 512, "out_plane": (1 << 24) - 512, "n_blocks": 2},
        {"residual": 1, "res_addr": 512, "res_plane": (1 << 24) - 512, "n_blocks": 2},
    ]  # fmt: skip
    for number, change in enumerate(changes):
        command = Instruction("CONV", dense(config, number, **change))
        assert legal(command, config)
        with pytest.raises(Stop) as stop:
            conv(bench.state, command.values)
        assert stop.value.cause is Cause.SRAM_RANGE
        trace = await bench.run([command])
        assert trace.error == (Cause.SRAM_RANGE, number), change
        await reset(dut)
