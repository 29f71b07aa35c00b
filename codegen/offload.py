# SPDX-License-Identifier: Apache-2.0
"""From integer Relax to programs: partition, and with --partition cost keep only what pays."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from accel.config import AccelConfig
from accel.errors import ConfigError
from accel.isa import Rounding
from accel.program import Program
from codegen import ir
from codegen.cost import Bus
from codegen.decision import Decision
from codegen.host_times import Workload, load_host_times
from codegen.partition.partition import Partitioned
from codegen.partition.to_ir import regions
from codegen.partition.translate import Translated, translate
from codegen.pipeline import lower
from codegen.profit import DEFAULT_CLOCK_MHZ, Clocked, weigh
from codegen.recipe import DEFAULT, Recipe
from codegen.refusal import Refusal
from codegen.tuning import Database

PARTITIONS = ("all", "cost")
HOST_TIMES = Path("build/host_times.json")
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ByCost:
    """Offload only what pays."""

    host_us: Callable[[Mapping[str, Workload]], dict[str, float]]
    """Time of ops on the host, microseconds, by the names given."""
    mhz: float = DEFAULT_CLOCK_MHZ
    bus: Bus = field(default_factory=Bus)


@dataclass(frozen=True, slots=True)
class Offloaded:
    """A partition and what its regions compile to."""

    partitioned: Partitioned
    graphs: dict[str, ir.Graph]
    programs: dict[str, Program]
    recipes: dict[str, Recipe]
    decisions: tuple[Decision, ...] = ()


def offload(
    integer: Any,
    nodes: tuple[str, ...],
    config: AccelConfig,
    translated: Translated,
    *,
    progress: Progress,
    tuned: Database | None = None,
    by_cost: ByCost | None = None,
    rounding: Rounding = Rounding.SINGLE,
) -> Offloaded:
    """Compile the regions of an integer module.

    What does not pay is taken out, which can change the regions around it; so the rest is
    partitioned and weighed again, until everything that is left does.

    Args:
        integer: integer Relax.
        nodes: readable ONNX nodes by index.
        config: the hardware.
        translated: what `translate` gives for them.
        progress: told the name of each step.
        tuned: recipes that were measured.
        by_cost: None: offload all that the accelerator can take.
        rounding: the rule that `integer` was written with.
    """
    dropped: list[Decision] = []
    while True:
        found = _compile(translated, config, progress, tuned)
        if by_cost is None:
            return found
        decided, more = _weigh(found, config, by_cost, progress)
        if not more.keys() - translated.excluded.keys():
            return replace(found, decisions=(*dropped, *decided))
        dropped += [decision for decision in decided if not decision.offloaded]
        progress("partitioning")
        excluded = {**translated.excluded, **more}
        translated = translate(integer, nodes, config, rounding, excluded)


def _compile(
    translated: Translated, config: AccelConfig, progress: Progress, tuned: Database | None
) -> Offloaded:
    programs, recipes = {}, {}
    for symbol, graph in translated.graphs.items():
        progress(f"planning {symbol} ({len(graph.ops)} ops)")
        recipes[symbol] = tuned.recipe(graph, config) if tuned else DEFAULT
        programs[symbol] = lower(graph, config, recipes[symbol])
    return Offloaded(translated.partitioned, translated.graphs, programs, recipes)


def _weigh(
    found: Offloaded, config: AccelConfig, by_cost: ByCost, progress: Progress
) -> tuple[list[Decision], dict[str, Refusal]]:
    """Decisions about all regions, and the variables that go to the host."""
    from codegen.partition.host_time import workloads

    of = Clocked(config, by_cost.mhz, by_cost.bus)
    ops = {s: workloads(function) for s, function in regions(found.partitioned).items()}
    progress("timing ops on the host")
    times = by_cost.host_us({v: w for region in ops.values() for v, w in region.items()})
    decisions: list[Decision] = []
    excluded: dict[str, Refusal] = {}
    for symbol, graph in found.graphs.items():
        progress(f"weighing {symbol}")
        host_us = {variable: times[variable] for variable in ops[symbol]}
        weighed = weigh(graph, found.programs[symbol], host_us, of, found.recipes[symbol])
        decisions += weighed.decisions
        excluded |= weighed.excluded
    return decisions, excluded


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of --partition."""
    parser.add_argument(
        "--partition",
        choices=PARTITIONS,
        default="all",
        help="offload all that the accelerator can take, or only what pays (default: all)",
    )
    parser.add_argument(
        "--clock",
        type=float,
        default=DEFAULT_CLOCK_MHZ,
        metavar="MHZ",
        help=f"of the accelerator, for --partition cost (default: {DEFAULT_CLOCK_MHZ:g})",
    )
    parser.add_argument(
        "--host-times",
        type=Path,
        default=HOST_TIMES,
        metavar="FILE.json",
        help="where times of ops on the host are kept; what is missing is measured on this machine "
        f"(default: {HOST_TIMES})",
    )


def strategy(options: argparse.Namespace, bus: Bus | None = None) -> ByCost | None:
    """What the options of `add_options` say.

    Raises:
        ConfigError: an impossible clock, or a file that holds no host times.
    """
    if not (options.clock > 0 and math.isfinite(options.clock)):
        raise ConfigError(f"--clock {options.clock:g}: a frequency in MHz above 0")
    if options.partition == "all":
        return None
    times = load_host_times(options.host_times)

    def host_us(workloads: Mapping[str, Workload]) -> dict[str, float]:
        from codegen.partition.host_time import measure

        return times.microseconds(workloads, measure)

    return ByCost(host_us, options.clock, bus or Bus())
