# SPDX-License-Identifier: Apache-2.0
"""The same programs on every backend: equal results, and equal cycles where there are cycles."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from accel.driver import Driver, Outcome
from accel.isa import ArrayCycle
from sim.backends.open_device import BACKENDS, open_device
from sim.memory import MODELS, MemoryModel, parse_memory
from sim.report import layer_rows, total_row
from tests.rtl.sim.programs import TINY, Case, copy_case, network_case

CASES: dict[str, Callable[[], Case]] = {"copy": copy_case, "network": network_case}
MOST_CYCLES = {"copy": 243, "network": 4955}
"""Upper bounds with the default memory; a change that costs cycles must say so here."""


def run(backend: str, case: Case, model: MemoryModel, times: int = 1) -> list[Outcome]:
    checks = backend == "verilator"
    with open_device(
        backend, TINY, memory_model=model, memory_bytes=case.memory_bytes, checks=checks
    ) as device:
        driver = Driver(device, TINY)
        return [driver.run(case.program, case.inputs) for _ in range(times)]


def assert_exact(case: Case, outcome: Outcome) -> None:
    for got, wanted in zip(outcome.outputs, case.outputs, strict=True):
        assert np.array_equal(got, wanted)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", CASES)
def test_results_are_exact_again_and_again(backend: str, name: str) -> None:
    case = CASES[name]()
    for outcome in run(backend, case, MODELS["default"], times=3):
        assert_exact(case, outcome)


@pytest.mark.parametrize("memory", ["default", "ideal8", "slow", "random,seed=5"])
@pytest.mark.parametrize("name", CASES)
def test_both_simulators_see_the_same_cycles(memory: str, name: str) -> None:
    case, model = CASES[name](), parse_memory(memory)
    left, right = (run(backend, case, model, times=2) for backend in ("verilator", "cocotb"))
    for a, b in zip(left, right, strict=True):
        assert_exact(case, a)
        assert_exact(case, b)
        assert a.counters == b.counters
        assert a.profile == b.profile


@pytest.mark.parametrize("name", CASES)
def test_cycles_stay_below_their_bound(name: str) -> None:
    (outcome,) = run("verilator", CASES[name](), MODELS["default"])
    assert outcome.counters.cycles <= MOST_CYCLES[name]


@pytest.mark.parametrize("seed", range(8))
def test_random_stalls_change_cycles_and_nothing_else(seed: int) -> None:
    case = network_case()
    calm, stalled = (
        run("verilator", case, MemoryModel(stall=stall, seed=seed))[0] for stall in (0.0, 0.6)
    )
    assert_exact(case, stalled)
    assert stalled.counters.cycles > calm.counters.cycles


def test_profile_accounts_for_every_cycle_and_command() -> None:
    case = network_case()
    (outcome,) = run("verilator", case, MODELS["default"])
    assert outcome.profile is not None
    by_cause = np.sum(list(outcome.profile.array_cycles.values()), axis=0)
    counters = outcome.counters
    assert [counters.array[cause] for cause in ArrayCycle] == by_cause.tolist()
    assert by_cause.sum() == counters.cycles
    ends = {trace.id: trace.end for trace in outcome.profile.commands}
    assert sorted(ends) == list(range(len(case.program.words) - 1))  # all but END
    assert all(0 < trace.start <= trace.end < counters.cycles for trace in outcome.profile.commands)


def test_cycles_of_the_pool_belong_to_the_pool() -> None:
    case = network_case()
    (outcome,) = run("verilator", case, MODELS["default"])
    assert outcome.profile is not None
    pool = {i for i, owner in enumerate(case.program.layer_of) if owner == 2}
    spent = sum(sum(outcome.profile.array_cycles.get(i, ())) for i in pool)
    assert spent > 0


def test_bytes_of_the_report_crossed_the_bus() -> None:
    case = network_case()
    (outcome,) = run("verilator", case, MODELS["default"])
    total = total_row(layer_rows(case.program, outcome.profile, TINY.macs_per_cycle))
    assert total.bytes_read == outcome.counters.read_beats * TINY.bus_bytes
    assert total.bytes_written == outcome.counters.write_beats * TINY.bus_bytes


@pytest.mark.parametrize("latency", [0, 40, 200])
def test_latency_costs_what_it_says(latency: int) -> None:
    """A copy waits for memory twice: for the first beat, and for the last write's answer."""
    case = copy_case()
    base, slow = (
        run("verilator", case, MemoryModel(latency=value))[0].counters.cycles
        for value in (0, latency)
    )
    assert slow - base == 2 * latency


def test_bandwidth_limits_beats() -> None:
    """Half a beat per cycle doubles the time of the transfers."""
    case = copy_case()
    full, half = (
        run("verilator", case, MemoryModel(latency=0, bytes_per_cycle=rate))[0].counters
        for rate in (TINY.bus_bytes, TINY.bus_bytes / 2)
    )
    extra = half.cycles - full.cycles
    assert extra == pytest.approx(full.read_beats + full.write_beats, abs=6)
