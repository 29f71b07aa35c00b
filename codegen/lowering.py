# SPDX-License-Identifier: Apache-2.0
"""From the neutral graphs of a model's regions to their programs, whichever IR they came from."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from accel.config import AccelConfig
from accel.program import Program
from codegen import ir
from codegen.choices import Choices
from codegen.pipeline import lower


def lower_regions(
    graphs: Mapping[str, ir.Graph],
    config: AccelConfig,
    choices: Choices,
    progress: Callable[[str], None],
) -> dict[str, Program]:
    """Program of each region, by symbol, cut as its recipe says.

    Raises:
        PlanError: a region does not fit the configured memories.
    """
    programs = {}
    for symbol, graph in graphs.items():
        progress(f"planning {symbol} ({len(graph.ops)} ops)")
        programs[symbol] = lower(graph, config, choices.recipe(graph, config))
    return programs
