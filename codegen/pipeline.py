# SPDX-License-Identifier: Apache-2.0
"""From neutral graph to program: the passes in their order."""

from __future__ import annotations

from accel.config import AccelConfig
from accel.errors import PlanError
from accel.program import Program
from codegen import ir
from codegen.emit import emit
from codegen.fits import reason
from codegen.passes.assign_tokens import assign_tokens
from codegen.passes.choose_feeds import choose_feeds
from codegen.passes.compose_tables import compose_tables
from codegen.passes.fold_pads import fold_pads
from codegen.passes.fold_selections import fold_selections
from codegen.passes.fuse_output_stage import fuse_output_stage
from codegen.passes.hoist_loads import hoist_loads
from codegen.passes.place_parts import place_parts
from codegen.passes.plan_sram import plan_sram
from codegen.passes.split_groups import split_groups
from codegen.passes.tile import tile
from codegen.recipe import DEFAULT, Recipe


def lower(graph: ir.Graph, config: AccelConfig, recipe: Recipe = DEFAULT) -> Program:
    """Compile an offloaded subgraph.

    Args:
        graph: what it computes.
        config: the hardware.
        recipe: how its work is cut.

    Raises:
        PlanError: an op does not fit the configured memories; names op, ONNX node and remedy.
    """
    graph = place_parts(graph, config)
    graph = fold_selections(graph, config)
    graph = fold_pads(graph, config)
    graph = compose_tables(graph, config)
    graph = fuse_output_stage(graph, config)
    graph = split_groups(graph, config)
    for op in graph.ops:
        why = reason(op, graph.tensors, config)
        if why:
            raise PlanError(f"{op.name} (ONNX node {op.source.node}): {why}")
    graph = choose_feeds(graph, config)
    plan = plan_sram(graph, config)
    tiled = tile(graph, plan, config, recipe)
    steps = hoist_loads(tiled.steps, config)
    steps = assign_tokens(steps, config)
    return emit(graph, plan, steps, tiled.constants, config)
