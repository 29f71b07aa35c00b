# SPDX-License-Identifier: Apache-2.0
"""Measure one network after the other; what fails is noted, the others go on."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from accel.config import AccelConfig
from accel.errors import TesseraError
from codegen.compile import compile_model
from sim.benchmark.measure import measure, prepare, simulator_speed
from sim.benchmark.report import Results, Run, label
from sim.benchmark.suite import MODELS, memories_of, provide
from sim.memory import MODELS as MEMORY_MODELS

SIMULATORS = ("verilator", "cocotb")
SPEED_NETWORK = MODELS / "resnet8.onnx"
"""The same for every selection, so that speeds compare."""

Configs = Mapping[str, AccelConfig]
Status = Callable[[str], None]
Step = tuple[str, Callable[[Results, Status], None]]
"""A name, and what adds to the results."""


def steps(paths: Sequence[Path], configs: Configs) -> Iterator[Step]:
    """Everything that is to be measured: networks on each configuration, then the simulators."""
    for path in paths:
        for name, config in configs.items():
            yield label(path.stem, name), _network_step(path, name, config)
    for backend in SIMULATORS:
        yield backend, _speed_step(backend, next(iter(configs.values())))


def take(step: Step, results: Results, status: Status) -> None:
    """Take one step; an error becomes part of the results."""
    name, act = step
    try:
        act(results, lambda what: status(f"{name}: {what}"))
    except TesseraError as error:
        results.failures[name] = str(error)
    except Exception:  # noqa: BLE001  # a defect in one network must not lose the others' results
        results.failures[name] = traceback.format_exc()


def _network_step(
    path: Path, config_name: str, config: AccelConfig
) -> Callable[[Results, Status], None]:
    def act(results: Results, status: Status) -> None:
        status("building the network")
        provide(path)
        prepared = prepare(path, config, status)
        by_memory = {}
        for memory in memories_of(path.stem):
            status(f"running behind memory {memory}")
            by_memory[memory] = measure(prepared, MEMORY_MODELS[memory], status)
        results.runs.append(Run(path.stem, config_name, by_memory))

    return act


def _speed_step(backend: str, config: AccelConfig) -> Callable[[Results, Status], None]:
    def act(results: Results, status: Status) -> None:
        status("measuring its speed")
        provide(SPEED_NETWORK)
        (program,) = compile_model(SPEED_NETWORK, config).programs.values()
        results.speeds[backend] = simulator_speed(backend, program, config)

    return act
