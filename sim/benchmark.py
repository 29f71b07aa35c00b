# SPDX-License-Identifier: Apache-2.0
"""Cycles of the benchmark networks on RTL, each bit-exact, and the speed of the simulators.

    python -m sim.benchmark [NETWORK ...] [--config NAME|FILE.toml] [--json build/bench.json]

A network is a name in build/models (made by `python -m models.build`) or a path to an ONNX file.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from accel.config import AccelConfig, load_config
from accel.driver import Driver
from accel.errors import TesseraError
from accel.isa import ArrayCycle
from accel.program import Program
from codegen.compile import Compiled, compile_model
from sim.backends.open_device import open_device
from sim.compare import Artifact, difference, export_and_load, run_host
from sim.inputs import model_inputs
from sim.memory import MODELS, MemoryModel
from sim.session import memory_bytes

NETWORKS = ("digits", "resnet8", "autoencoder")
MEMORIES = ("default", "ideal8")
SIMULATORS = ("verilator", "cocotb")
FOLDER = Path("build/models")
SPEED_CYCLES = 1_000_000
"""The speed of a simulator is measured over about so many cycles."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One network behind one memory model."""

    cycles: int
    macs: int
    """Of the offloaded part."""
    ideal_cycles: int
    """MACs over multipliers: the array always busy."""
    mismatched: int
    attribution: dict[str, int]
    """Cycles by what the array did; they sum to `cycles`."""

    @property
    def utilization(self) -> float:
        """Ideal over measured cycles."""
        return self.ideal_cycles / self.cycles if self.cycles else 0.0

    def to_json(self) -> dict[str, Any]:
        """As the JSON report has it."""
        return {
            "cycles": self.cycles,
            "macs": self.macs,
            "ideal_cycles": self.ideal_cycles,
            "utilization": self.utilization,
            "attribution": self.attribution,
            "offloaded_macs": self.macs,
            "mismatched": self.mismatched,
        }


def measure(
    compiled: Compiled, artifact: Artifact, config: AccelConfig, memory: MemoryModel, path: Path
) -> Measurement:
    """Run a network once on RTL and compare it with TVM's host execution."""
    sample = path.with_suffix(".npz")
    inputs = model_inputs(compiled, sample if sample.is_file() else None, 0)
    size = memory_bytes(list(compiled.programs.values()))
    with open_device("verilator", config, memory_model=memory, memory_bytes=size) as device:
        outputs, calls = artifact.run(Driver(device, config), inputs)
    counters = [call.outcome.counters for call in calls]
    macs = compiled.explanation.offloaded_macs
    return Measurement(
        cycles=sum(c.cycles for c in counters),
        macs=macs,
        ideal_cycles=-(-macs // config.macs_per_cycle),
        mismatched=difference(outputs, run_host(compiled.integer, inputs)).mismatched,
        attribution={
            cause.name.lower(): sum(c.array[cause] for c in counters) for cause in ArrayCycle
        },
    )


def simulator_speed(backend: str, program: Program, config: AccelConfig) -> float:
    """Simulated cycles per second of wall time, over whole runs of `program`."""
    inputs = [np.zeros(binding.host_shape, np.int8) for binding in program.inputs]
    with open_device(backend, config, memory_bytes=memory_bytes([program])) as device:
        driver = Driver(device, config)
        per_run = driver.run(program, inputs).counters.cycles
        runs = max(1, SPEED_CYCLES // per_run)
        started = time.perf_counter()
        for _ in range(runs):
            driver.run(program, inputs)
        return runs * per_run / (time.perf_counter() - started)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status: 1 when a bit differs."""
    parser = argparse.ArgumentParser(prog="python -m sim.benchmark", description=__doc__)
    parser.add_argument("networks", nargs="*", default=list(NETWORKS))
    parser.add_argument("--config", default="default", help="configuration name or TOML file")
    parser.add_argument("--json", type=Path, default=Path("build/bench.json"), metavar="FILE")
    options = parser.parse_args(arguments)
    console = Console(stderr=True)
    try:
        config = load_config(options.config)
        results, programs = _measure_all(options.networks, config, console)
        with console.status("measuring simulation speed"):
            largest = max(programs, key=lambda p: sum(layer.macs for layer in p.layers))
            speeds = {name: simulator_speed(name, largest, config) for name in SIMULATORS}
    except TesseraError as error:
        console.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        return 2
    Console().print(_table(results, config))
    for name, speed in speeds.items():
        print(f"{name:10} {speed:12,.0f} simulated cycles per second")
    report = {n: {m: r.to_json() for m, r in by.items()} for n, by in results.items()}
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(
        json.dumps(
            {**report, "sim": {n: {"cycles_per_second": s} for n, s in speeds.items()}}, indent=2
        )
        + "\n",
        encoding="utf-8",
    )
    return int(any(r.mismatched for by in results.values() for r in by.values()))


def _measure_all(
    names: Sequence[str], config: AccelConfig, console: Console
) -> tuple[dict[str, dict[str, Measurement]], list[Program]]:
    results: dict[str, dict[str, Measurement]] = {}
    programs: list[Program] = []
    with console.status("starting") as status:
        for name in names:
            path = Path(name)
            if not path.suffix:
                path = FOLDER / f"{name}.onnx"
                subprocess.run([sys.executable, "-m", "models.build", name], check=True)
            status.update(f"compiling {path.stem}")
            compiled = compile_model(path, config)
            artifact = export_and_load(compiled)
            programs += compiled.programs.values()
            results[path.stem] = {}
            for memory in MEMORIES:
                status.update(f"running {path.stem} with memory {memory}")
                results[path.stem][memory] = measure(
                    compiled, artifact, config, MODELS[memory], path
                )
    return results, programs


def _table(results: dict[str, dict[str, Measurement]], config: AccelConfig) -> Table:
    table = Table(title=f"RTL cycles, {config.k_lanes} x {config.n_lanes}, batch 1")
    for column in ("network", "memory"):
        table.add_column(column)
    for column in ("MACs", "ideal", "cycles", "utilization", "wrong elements"):
        table.add_column(column, justify="right")
    for name, by_memory in results.items():
        for memory, r in by_memory.items():
            table.add_row(
                name,
                memory,
                f"{r.macs:,}",
                f"{r.ideal_cycles:,}",
                f"{r.cycles:,}",
                f"{r.utilization:.1%}",
                str(r.mismatched),
            )
    return table


if __name__ == "__main__":
    sys.exit(main())
