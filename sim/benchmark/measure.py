# SPDX-License-Identifier: Apache-2.0
"""Measure: cycles of a network behind a memory, and the speed of a simulator."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from accel.config import AccelConfig
from accel.driver import Driver
from accel.program import Program
from codegen.compile import Compiled, compile_model
from sim.backends.open_device import open_device
from sim.backends.rtl_device import RtlDevice
from sim.compare import Artifact, Call, difference, export_and_load, run_host
from sim.inputs import model_inputs
from sim.memory import MemoryModel
from sim.relax_model import macs_of
from sim.report import LayerRow, total_row
from sim.session import call_rows, memory_bytes

Status = Callable[[str], None]

SPEED_CYCLES = 1_000_000
"""The speed of a simulator is measured over about so many cycles."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A network compiled for one configuration, with what it must give."""

    config: AccelConfig
    compiled: Compiled
    artifact: Artifact
    macs: int
    """Of the whole network."""
    inputs: list[npt.NDArray[Any]]
    expected: list[npt.NDArray[Any]]
    """Outputs of TVM's host execution."""

    @property
    def programs(self) -> list[Program]:
        """The offloaded regions."""
        return list(self.compiled.programs.values())


@dataclass(frozen=True, slots=True)
class Measurement:
    """One network on one configuration behind one memory."""

    total: LayerRow
    """Cycles, offloaded MACs, and cycles by what the array did."""
    macs: int
    """Of the whole network."""
    ideal_cycles: int
    """Offloaded MACs over multipliers: the array always busy."""
    bus_cycles: int
    """Constants, inputs and outputs over the bandwidth: the bus always busy, each byte once."""
    read_bytes: int
    """That crossed the bus."""
    write_bytes: int
    mismatched: int
    """Output elements that differ from TVM's host execution."""
    seconds: float
    """Wall time of the run."""

    @property
    def cycles(self) -> int:
        """From the first command to the last interrupt, over all regions."""
        return self.total.cycles or 0

    @property
    def utilization(self) -> float:
        """Share of the multipliers that did the network's own work."""
        return self.ideal_cycles / self.cycles if self.cycles else 0.0

    @property
    def roofline(self) -> float:
        """Share of the cycles that array or bus, whichever takes longer, needs in any case."""
        return max(self.ideal_cycles, self.bus_cycles) / self.cycles if self.cycles else 0.0


def prepare(path: Path, config: AccelConfig, status: Status) -> Prepared:
    """Compile a network and run it on the host, on the sample beside it (random without)."""
    compiled = compile_model(path, config, progress=status)
    status("exporting the artifact")
    artifact = export_and_load(compiled)
    sample = path.with_suffix(".npz")
    inputs = model_inputs(compiled, sample if sample.is_file() else None, 0)
    status("running on TVM's host")
    expected = run_host(compiled.integer, inputs)
    return Prepared(config, compiled, artifact, macs_of(compiled), inputs, expected)


def measure(prepared: Prepared, memory: MemoryModel, status: Status) -> Measurement:
    """Run a network once on RTL."""
    config = prepared.config
    size = memory_bytes(prepared.programs)
    with open_device(
        "verilator", config, memory_model=memory, memory_bytes=size, report=status
    ) as device:
        if isinstance(device, RtlDevice):
            device.on_progress = lambda cycles: status(f"{cycles:,} cycles")
        driver = Driver(device, config)
        started = time.perf_counter()
        outputs, calls = prepared.artifact.run(driver, prepared.inputs)
        seconds = time.perf_counter() - started
    total = total_row(call_rows(calls, config))
    counters = [call.outcome.counters for call in calls]
    return Measurement(
        total=total,
        macs=prepared.macs,
        ideal_cycles=-(-total.macs // config.macs_per_cycle),
        bus_cycles=bus_cycles(calls, config, memory),
        read_bytes=sum(c.read_beats for c in counters) * config.bus_bytes,
        write_bytes=sum(c.write_beats for c in counters) * config.bus_bytes,
        mismatched=difference(outputs, prepared.expected).mismatched,
        seconds=seconds,
    )


def bus_cycles(calls: Sequence[Call], config: AccelConfig, memory: MemoryModel) -> int:
    """Cycles of a bus that moves what `calls` take and give once, reading and writing at a time."""
    programs = [call.program for call in calls]
    read = sum(program.constants.size + program.input_bytes for program in programs)
    written = sum(program.output_bytes for program in programs)
    return round(max(read, written) / min(config.bus_bytes, memory.bytes_per_cycle))


def simulator_speed(backend: str, program: Program, config: AccelConfig) -> float:
    """Simulated cycles per second of CPU time, over whole runs of `program`.

    CPU time, because it says what one core does also when others use the machine.
    """
    inputs = [np.zeros(binding.host_shape, np.int8) for binding in program.inputs]
    with open_device(backend, config, memory_bytes=memory_bytes([program])) as device:
        clock = device.cpu_seconds if isinstance(device, RtlDevice) else time.process_time
        driver = Driver(device, config)
        per_run = driver.run(program, inputs).counters.cycles
        runs = max(1, SPEED_CYCLES // per_run)
        started = clock()
        for _ in range(runs):
            driver.run(program, inputs)
        return runs * per_run / (clock() - started)
