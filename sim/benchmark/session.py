# SPDX-License-Identifier: Apache-2.0
"""What is measured, one network after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from accel.config import AccelConfig
from codegen.compile import compile_model
from sim.benchmark.measure import measure, prepare, simulator_speed
from sim.benchmark.report import Results, Run, label
from sim.benchmark.suite import MODELS, memories_of, provide
from sim.memory import MODELS as MEMORY_MODELS
from sim.steps import Status, Step

SIMULATORS = ("verilator", "cocotb")
SPEED_NETWORK = MODELS / "resnet8.onnx"
"""The same for every selection, so that speeds compare."""

Configs = Mapping[str, AccelConfig]


def steps(paths: Sequence[Path], configs: Configs) -> Iterator[Step[Results]]:
    """Everything that is to be measured: networks on each configuration, then the simulators."""
    for path in paths:
        for name, config in configs.items():
            yield label(path.stem, name), _network_step(path, name, config)
    for backend in SIMULATORS:
        yield backend, _speed_step(backend, next(iter(configs.values())))


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
