# SPDX-License-Identifier: Apache-2.0
"""Search for faster programs by running them on RTL.

The cost model (codegen/cost.py) ranks the candidates; the first N and the default are measured,
each result is compared with the functional model's in every bit, and the fastest recipe goes into
the database.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rich.table import Table

from accel.config import AccelConfig
from accel.driver import Driver
from accel.errors import DeviceError
from accel.model.device import ModelDevice
from accel.program import Program
from codegen import ir
from codegen.cost import Bus
from codegen.recipe import DEFAULT
from codegen.tuning import Candidate, Database, Entry, ranked, workload
from sim.backends.open_device import open_device
from sim.memory import MemoryModel
from sim.session import memory_bytes

Status = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Trial:
    """A candidate and what it took."""

    candidate: Candidate
    cycles: int
    """Measured on RTL."""


def tune(
    graph: ir.Graph,
    config: AccelConfig,
    database: Database,
    *,
    most: int,
    memory: MemoryModel,
    memory_name: str,
    status: Status,
) -> list[Trial]:
    """Measure up to `most` candidates beside the default one; keep the fastest in `database`.

    Returns:
        The trials, in the order of their predictions.

    Raises:
        DeviceError: a program computes something else on RTL than on the functional model.
    """
    status(f"{graph.name}: predicting")
    candidates = ranked(graph, config, Bus(memory.latency, memory.bytes_per_cycle))
    default = next(c for c in candidates if c.recipe == DEFAULT)
    chosen = candidates[:most]
    if default not in chosen:
        chosen.append(default)
    trials = []
    for number, candidate in enumerate(chosen, 1):
        status(f"{graph.name}: measuring {number} of {len(chosen)}")
        trials.append(Trial(candidate, _measure(candidate.program, config, memory)))
    best = min(trials, key=lambda trial: (trial.cycles, trial.candidate.recipe != DEFAULT))
    entry = Entry(best.candidate.recipe, best.cycles, len(trials), memory_name)
    database.entries[workload(graph, config)] = entry
    return trials


def trial_table(name: str, trials: Sequence[Trial]) -> Table:
    """What was predicted and measured, the fastest in bold."""
    drawn = Table(title=f"recipes for {name}", title_justify="left", show_edge=False)
    for heading in ("tiles", "chunks", "pieces", "predicted", "measured", "error"):
        drawn.add_column(heading, justify="right")
    least = min(trial.cycles for trial in trials)
    for trial in trials:
        recipe, predicted = trial.candidate.recipe, trial.candidate.predicted
        drawn.add_row(
            str(recipe.tiles),
            str(recipe.chunks),
            str(recipe.pieces),
            f"{predicted:,}",
            f"{trial.cycles:,}",
            f"{predicted / trial.cycles - 1:+.1%}",
            style="bold" if trial.cycles == least else None,
        )
    return drawn


def _measure(program: Program, config: AccelConfig, memory: MemoryModel) -> int:
    random = np.random.default_rng(0)
    inputs = [random.integers(-128, 128, b.host_shape, np.int8) for b in program.inputs]
    size = memory_bytes([program])
    with open_device("verilator", config, memory_model=memory, memory_bytes=size) as device:
        outcome = Driver(device, config).run(program, inputs)
    with ModelDevice(config, size) as model:
        golden = Driver(model, config).run(program, inputs).outputs
    _compare(program, outcome.outputs, golden)
    return outcome.counters.cycles


def _compare(
    program: Program,
    outputs: Sequence[npt.NDArray[np.int8]],
    golden: Sequence[npt.NDArray[np.int8]],
) -> None:
    wrong = sum(int((a != b).sum()) for a, b in zip(outputs, golden, strict=True))
    if wrong:
        raise DeviceError(
            f"{program.name}: RTL and functional model differ in {wrong} elements; "
            "run without --tune to locate the layer"
        )
