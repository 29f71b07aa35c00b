# SPDX-License-Identifier: Apache-2.0
"""Waves hold the cycles that were asked for, under the names that the saved views use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import pywellen

from accel.device import Profile
from accel.driver import Driver
from sim.backends.open_device import open_device
from sim.backends.rtl_device import RtlDevice
from sim.memory import parse_memory
from sim.views import TOP, groups
from sim.waves import WaveRequest
from tests.rtl.sim.programs import TINY, network_case

BACKENDS = ("verilator", "cocotb")


def dump(backend: str, request: WaveRequest) -> Profile:
    case = network_case()
    with open_device(backend, TINY, memory_bytes=case.memory_bytes, waves=request) as device:
        profile = Driver(device, TINY).run(case.program, case.inputs).profile
    assert profile is not None
    return profile


def signals(waves: Any) -> dict[str, Any]:  # noqa: ANN401  # pywellen has no types
    return {variable.full_name: variable for variable in waves.all_vars()}


def changes(path: Path, name: str) -> list[tuple[int, int]]:
    waves = pywellen.Waveform(str(path))
    found: list[tuple[int, int]] = []
    waves.stream_changes(
        lambda time, _, value: found.append((time, int(value))), [signals(waves)[name]]
    )
    return found


def values(path: Path, name: str) -> set[int]:
    return {value for _, value in changes(path, name)}


@pytest.mark.parametrize("backend", BACKENDS)
def test_whole_run_is_in_the_waves(backend: str, tmp_path: Path) -> None:
    path = tmp_path / "a.fst"
    dump(backend, WaveRequest(path))
    case = network_case()
    loads = {i for i, words in enumerate(case.program.words) if int(words[0]) & 0xFF == 2}
    assert loads <= values(path, f"{TOP}.load_unit.id")
    assert {0, 1} == values(path, f"{TOP}.irq_o")
    known = signals(pywellen.Waveform(str(path)))
    for _, group in groups():
        for signal in group:
            assert signal.path in known, "the saved views name it"
            assert int(known[signal.path].bitwidth or 1) == signal.bits


@pytest.mark.parametrize("memory", ["default", "slow", "random,seed=7"])
def test_waves_change_nothing(memory: str, tmp_path: Path) -> None:
    """Without waves, clock and bench skip what stays the same; with them, nothing is skipped."""
    case, outcomes = network_case(), []
    for waves in (None, WaveRequest(tmp_path / "a.fst")):
        with open_device(
            "verilator",
            TINY,
            memory_model=parse_memory(memory),
            memory_bytes=case.memory_bytes,
            waves=waves,
        ) as device:
            outcomes.append(Driver(device, TINY).run(case.program, case.inputs))
    plain, dumped = outcomes
    assert plain.counters == dumped.counters
    assert plain.profile == dumped.profile


@pytest.mark.parametrize("dumped", [False, True])
def test_a_wait_for_nothing_takes_its_limit(dumped: bool, tmp_path: Path) -> None:
    """To the cycle, also where the bench skips all of them."""
    waves = WaveRequest(tmp_path / "a.fst") if dumped else None
    with open_device("verilator", TINY, memory_bytes=4096, waves=waves) as device:
        assert isinstance(device, RtlDevice)
        start = device.cycles()
        assert not device.wait_irq(1000)
        assert device.cycles() == start + 1000


@pytest.mark.parametrize("backend", BACKENDS)
def test_window_holds_one_command_and_little_else(backend: str, tmp_path: Path) -> None:
    whole, part = tmp_path / "whole.fst", tmp_path / "part.fst"
    profile = dump(backend, WaveRequest(whole))
    chosen = next(trace for trace in profile.commands if trace.unit == 1)
    dump(backend, WaveRequest(part, chosen.id, chosen.id))
    rising = [time for time, value in changes(part, f"{TOP}.clk_i") if value == 1]
    cycles = chosen.end - chosen.start
    assert cycles <= len(rising) < 3 * cycles
    assert len(rising) < len(changes(whole, f"{TOP}.clk_i")) // 4
    assert part.stat().st_size < whole.stat().st_size
    assert chosen.id in values(part, f"{TOP}.conv_unit.id")


def test_both_simulators_write_the_same_waves(tmp_path: Path) -> None:
    paths = [tmp_path / f"{backend}.fst" for backend in BACKENDS]
    for backend, path in zip(BACKENDS, paths, strict=True):
        dump(backend, WaveRequest(path, 3, 4))
    for name in (f"{TOP}.conv_unit.id", f"{TOP}.array_cycle", f"{TOP}.counting"):
        left, right = (changes(path, name) for path in paths)
        assert [value for _, value in left] == [value for _, value in right]
        offsets = {b - a for (a, _), (b, _) in zip(left, right, strict=True)}
        assert len(offsets) == 1, "the same, but for when the simulation began"


def test_cycle_range(tmp_path: Path) -> None:
    path = tmp_path / "a.fst"
    dump("verilator", WaveRequest(path, first_cycle=100, last_cycle=149))
    rising = [time for time, value in changes(path, f"{TOP}.clk_i") if value == 1]
    assert len(rising) == 50
