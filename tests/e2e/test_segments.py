# SPDX-License-Identifier: Apache-2.0
"""--jobs: segments in processes of their own give the serial run's cycles, command by command."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from accel.config import load_config
from accel.driver import Driver
from accel.errors import ConfigError, DeviceError
from accel.isa import Sram
from codegen import ir
from codegen.compile import compile_model
from codegen.pipeline import lower
from sim.backends.open_device import open_device
from sim.memory import MODELS, parse_memory
from sim.run import main as run
from sim.segments import run_in_segments
from sim.session import memory_bytes
from tests.unit.codegen.graphs import Builder
from tests.unit.codegen.running import expected, to_host

CONFIG = load_config("default")


def quiet(_text: str) -> None:
    """Status of a test."""


@pytest.mark.parametrize("memory", ["default", "ideal8"])
def test_segments_are_the_serial_run(network: Callable[[str], Path], memory: str) -> None:
    (program,) = compile_model(network("resnet8"), CONFIG).programs.values()
    random = np.random.default_rng(3)
    inputs = [random.integers(-128, 128, b.host_shape, np.int8) for b in program.inputs]
    model = MODELS[memory]
    size = memory_bytes([program])
    with open_device("verilator", CONFIG, memory_model=model, memory_bytes=size) as device:
        serial = Driver(device, CONFIG).run(program, inputs)
    parts = run_in_segments(program, inputs, CONFIG, model, 3, quiet)
    assert parts.counters.cycles == serial.counters.cycles
    assert parts.counters.array == serial.counters.array
    assert parts.counters.read_beats == serial.counters.read_beats
    assert parts.counters.write_beats == serial.counters.write_beats
    assert all((a == b).all() for a, b in zip(parts.outputs, serial.outputs, strict=True))
    assert parts.profile is not None
    assert serial.profile is not None
    assert parts.profile.array_cycles == serial.profile.array_cycles
    by_id = {trace.id: trace for trace in serial.profile.commands}
    assert {trace.id: trace for trace in parts.profile.commands} == by_id


def test_cuts_keep_clear_of_open_sums() -> None:
    """Deep kernels add up in the accumulators over several commands; no segment starts between."""
    config = replace(CONFIG, weight_kib=8)
    builder = Builder(5)
    x = builder.input((1, 7, 7, 96))
    for _ in range(6):
        x = builder.conv(x, 96, ir.Window2d((3, 3), padding=(1, 1, 1, 1)))
    graph, data = builder.graph(), builder.data()
    program = lower(graph, config)
    hosts = [to_host(data[port.tensor], port) for port in graph.inputs]
    outcome = run_in_segments(program, hosts, config, MODELS["default"], 3, quiet)
    assert (outcome.outputs[0] == expected(graph, data)[graph.outputs[0].tensor]).all()


def test_command_line(network: Callable[[str], Path], tmp_path: Path) -> None:
    results = []
    for jobs in ("1", "2"):
        out = tmp_path / f"{jobs}.json"
        assert run([str(network("ds_cnn")), "--jobs", jobs, "--json", str(out)]) == 0
        results.append(json.loads(out.read_text()))
    assert results[0]["layers"] == results[1]["layers"]
    assert results[0]["cycles"] == results[1]["cycles"]


def test_random_stalls_cannot_be_cut() -> None:
    builder = Builder()
    builder.conv(builder.input((1, 4, 4, 16)), 16)
    program = lower(builder.graph(), CONFIG)
    with pytest.raises(ConfigError, match="stalls at random"):
        run_in_segments(program, [], CONFIG, parse_memory("random"), 2, quiet)


def test_a_segment_that_ends_wrong_is_reported(
    network: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model's states with one flipped bit, as if the RTL had been wrong."""
    from sim import segments

    (program,) = compile_model(network("resnet8"), CONFIG).programs.values()
    honest = segments._states

    def flipped(*arguments: object) -> object:
        for place, state in honest(*arguments):  # type: ignore[arg-type]
            yield place, state
            state.srams[Sram.ACT][100] ^= 1

    monkeypatch.setattr(segments, "_states", flipped)
    monkeypatch.setattr(segments, "OVERLAPS", (8,))  # so that the first segment ends early
    inputs = [np.zeros(b.host_shape, np.int8) for b in program.inputs]
    with pytest.raises(DeviceError, match="wrong bytes in activation SRAM, the first at 0x64"):
        run_in_segments(program, inputs, CONFIG, MODELS["default"], 3, quiet)
