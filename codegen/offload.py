# SPDX-License-Identifier: Apache-2.0
"""From integer Relax to programs: partition, and with --partition cost keep only what pays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from accel.config import AccelConfig
from accel.program import Program
from codegen import ir
from codegen.choices import ByCost, Choices
from codegen.decision import Decision
from codegen.lowering import lower_regions
from codegen.matching import Matched
from codegen.partition.partition import Partitioned
from codegen.partition.to_ir import regions
from codegen.partition.translate import translate
from codegen.profit import Clocked, weigh
from codegen.refusal import Refusal

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Offloaded:
    """A partition and what its regions compile to."""

    partitioned: Partitioned
    graphs: dict[str, ir.Graph]
    programs: dict[str, Program]
    decisions: tuple[Decision, ...] = ()


def offload(
    matched: Matched,
    nodes: tuple[str, ...],
    config: AccelConfig,
    choices: Choices,
    progress: Progress,
) -> Offloaded:
    """Compile the regions of a model.

    What does not pay is taken out, which can change the regions around it; so the rest is
    partitioned and weighed again, until everything that is left does.

    Args:
        matched: the model up to its neutral graphs.
        nodes: readable ONNX nodes by index.
        config: the hardware.
        choices: what `matched` was made with, recipes, and whether only what pays is offloaded.
        progress: told the name of each step.
    """
    translated = matched.translated
    dropped: list[Decision] = []
    while True:
        programs = lower_regions(translated.graphs, config, choices, progress)
        found = Offloaded(translated.partitioned, translated.graphs, programs)
        if choices.by_cost is None:
            return found
        decided, more = _weigh(found, config, choices, choices.by_cost, progress)
        if not more.keys() - translated.excluded.keys():
            return replace(found, decisions=(*dropped, *decided))
        dropped += [decision for decision in decided if not decision.offloaded]
        progress("partitioning")
        excluded = {**translated.excluded, **more}
        translated = translate(matched.integer, nodes, config, choices.rule, excluded)


def _weigh(
    found: Offloaded, config: AccelConfig, choices: Choices, by_cost: ByCost, progress: Progress
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
        recipe = choices.recipe(graph, config)
        weighed = weigh(graph, found.programs[symbol], host_us, of, recipe)
        decisions += weighed.decisions
        excluded |= weighed.excluded
    return decisions, excluded
