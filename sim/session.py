# SPDX-License-Identifier: Apache-2.0
"""Run a model, an artifact or a program on a backend and compare it with its reference."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from accel.config import AccelConfig
from accel.device import Device
from accel.driver import PAGE, Driver, Outcome
from accel.errors import ModelError, TesseraError
from accel.layout import round_up
from accel.model.device import ModelDevice
from accel.program import Program
from codegen.explanation import HOST
from sim.difference import Call, Culprit, Difference, difference
from sim.inputs import artifact_inputs, inputs_for, program_inputs
from sim.locate import exposed_bytes, locate
from sim.model import Artifact, Model
from sim.report import LayerRow, layer_rows

Arrays = list[npt.NDArray[Any]]
OpenDevice = Callable[[int], AbstractContextManager[Device]]
"""Opens a device with so many bytes of memory."""

ARTIFACT_MEMORY = 1 << 28
"""Memory for an artifact, whose programs show only when they run; pages are taken on use."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a run gave."""

    reference: str
    """What the outputs were compared with."""
    difference: Difference
    rows: list[LayerRow]
    calls: list[Call]
    macs: int
    """Of the whole model; of an artifact or program, the offloaded ones."""
    seconds: float
    """Wall time of the run on the device."""
    culprit: Culprit | None = None
    """The first wrong layer, where it could be found."""
    warnings: tuple[str, ...] = ()
    other: dict[str, Difference] = field(default_factory=dict)
    """How the integer form differs from other executions of the model: name -> difference."""
    predicted: int | None = None
    """Cycles by the cost model, where it knows the memory."""
    outputs: Arrays = field(default_factory=list)
    """What the device gave, for a model."""

    @property
    def offloaded_macs(self) -> int:
        """Multiply-accumulates that ran on the accelerator."""
        return sum(row.macs for row in self.rows)

    @property
    def cycles(self) -> int | None:
        """Cycles of all streams; None on the model."""
        if any(call.outcome.profile is None for call in self.calls):
            return None
        return sum(call.outcome.counters.cycles for call in self.calls)


RunProgram = Callable[[Program, Sequence[npt.NDArray[np.int8]]], Outcome]
"""Runs a program elsewhere than on the driver's device."""


class _Recorder(Driver):
    """A driver that keeps its errors: TVM, through which they pass, forgets their type."""

    failure: TesseraError | None = None
    elsewhere: RunProgram | None = None

    def run(self, program: Program, inputs: Sequence[npt.NDArray[np.int8]]) -> Outcome:
        try:
            return (self.elsewhere or super().run)(program, inputs)
        except TesseraError as error:
            self.failure = error
            raise


def _run_artifact(
    artifact: Artifact, driver: _Recorder, inputs: Arrays
) -> tuple[Arrays, list[Call]]:
    """Run, and raise what went wrong as our error; TVM's own are about the inputs."""
    try:
        return artifact.run(driver, inputs)
    except (RuntimeError, ValueError, TypeError, TesseraError) as error:
        reason = str(error).strip().splitlines()[-1]
        raise driver.failure or ModelError(f"TVM refuses the inputs: {reason}") from None


def memory_bytes(programs: Sequence[Program]) -> int:
    """Memory that the largest of `programs` needs."""
    return max(
        (
            sum(
                round_up(size, PAGE)
                for size in (p.constants.size, p.input_bytes, p.output_bytes, p.scratch_bytes)
            )
            for p in programs
        ),
        default=PAGE,
    )


def call_rows(calls: Sequence[Call], config: AccelConfig) -> list[LayerRow]:
    """Rows of all calls, in order; of several calls, names begin with the call's number."""
    return [
        replace(row, name=f"{index}/{row.name}") if len(calls) > 1 else row
        for index, call in enumerate(calls)
        for row in layer_rows(call.program, call.outcome.profile, config.macs_per_cycle)
    ]


def run_model(
    model: Model,
    artifact: Artifact,
    config: AccelConfig,
    open_device: OpenDevice,
    input_file: Path | None,
    seed: int,
    elsewhere: RunProgram | None = None,
) -> Result:
    """Run a compiled model; the reference is its integer form on TVM's host."""
    compiled = model.compiled
    inputs = inputs_for(model.inputs(), input_file, seed)
    size = memory_bytes(list(compiled.programs.values())) + exposed_bytes(compiled.graphs, config)
    with open_device(size) as device:
        driver = _Recorder(device, config)
        driver.elsewhere = elsewhere
        started = time.perf_counter()
        outputs, calls = _run_artifact(artifact, driver, inputs)
        driver.elsewhere = None
        seconds = time.perf_counter() - started
        expected = model.golden(inputs)
        compared = difference(outputs, expected)
        culprit = None if compared.same else locate(compiled, calls, driver)
    host = [
        LayerRow(fate.op, fate.op, fate.node, HOST)
        for fate in compiled.explanation.nodes
        if fate.where == HOST
    ]
    return Result(
        "TVM host",
        compared,
        call_rows(calls, config) + host,
        calls,
        model.macs(),
        seconds,
        culprit,
        compiled.explanation.warnings,
        {name: difference(expected, other) for name, other in model.others(inputs).items()},
        outputs=outputs,
    )


def run_artifact(
    artifact: Artifact, config: AccelConfig, open_device: OpenDevice, input_file: Path
) -> Result:
    """Run an exported artifact; the reference is the same artifact on the functional model."""
    inputs = artifact_inputs(artifact.input_names(), input_file)
    with open_device(ARTIFACT_MEMORY) as device:
        started = time.perf_counter()
        outputs, calls = _run_artifact(artifact, _Recorder(device, config), inputs)
        seconds = time.perf_counter() - started
    with ModelDevice(config, ARTIFACT_MEMORY) as model:
        expected, _ = _run_artifact(artifact, _Recorder(model, config), inputs)
    return _plain("functional model", difference(outputs, expected), calls, config, seconds)


def run_program(
    program: Program,
    config: AccelConfig,
    open_device: OpenDevice,
    input_file: Path | None,
    seed: int,
) -> Result:
    """Run a bare program; the reference is the functional model."""
    inputs = program_inputs(program, input_file, seed)
    size = memory_bytes([program])
    with open_device(size) as device:
        started = time.perf_counter()
        outcome = Driver(device, config).run(program, inputs)
        seconds = time.perf_counter() - started
    with ModelDevice(config, size) as model:
        expected = Driver(model, config).run(program, inputs).outputs
    calls = [Call(program.name, program, tuple(inputs), outcome)]
    return _plain("functional model", difference(outcome.outputs, expected), calls, config, seconds)


def _plain(
    reference: str,
    compared: Difference,
    calls: list[Call],
    config: AccelConfig,
    seconds: float,
) -> Result:
    rows = call_rows(calls, config)
    return Result(reference, compared, rows, calls, sum(row.macs for row in rows), seconds)
