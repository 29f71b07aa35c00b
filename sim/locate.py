# SPDX-License-Identifier: Apache-2.0
"""Find the first layer that a device computes differently from the functional model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from accel.config import AccelConfig
from accel.driver import PAGE, Driver
from accel.layout import round_up
from accel.model.device import ModelDevice
from codegen import ir
from codegen.bands import layout_of
from codegen.front import Compilation
from codegen.passes.choose_feeds import choose_feeds
from codegen.passes.fuse_output_stage import fuse_output_stage
from codegen.passes.place_parts import place_parts
from codegen.pipeline import lower
from sim.difference import Call, Culprit


def locate(compiled: Compilation, calls: Sequence[Call], driver: Driver) -> Culprit | None:
    """Find the first layer that the device computes differently from the functional model.

    Each region is compiled again with every layer's result as an output, and run on both. None:
    they agree, so the model or the compiler disagrees with TVM's host execution.
    """
    for call in calls:
        graph = _exposed(fuse_output_stage(compiled.graphs[call.symbol], driver.config))
        program = lower(graph, driver.config)
        device = driver.run(program, call.inputs).outputs
        with ModelDevice(driver.config, driver.device.memory.size) as model:
            golden = Driver(model, driver.config).run(program, call.inputs).outputs
        for op, got, expected in zip(graph.ops, device, golden, strict=True):
            wrong = np.argwhere(got != expected)
            if len(wrong):
                first = tuple(int(i) for i in wrong[0])
                return Culprit(
                    call.symbol,
                    op.name,
                    op.source.node,
                    len(wrong),
                    got.size,
                    first,
                    int(got[first]),
                    int(expected[first]),
                )
    return None


def exposed_bytes(graphs: Mapping[str, ir.Graph], config: AccelConfig) -> int:
    """Memory that `locate` needs beyond what the programs themselves need."""
    return max(
        (
            sum(
                round_up(layout_of(name, graph.tensors, config).size, PAGE)
                for name in graph.tensors
            )
            for graph in (
                choose_feeds(place_parts(_exposed(graph), config), config)
                for graph in graphs.values()
            )
        ),
        default=0,
    )


def _exposed(graph: ir.Graph) -> ir.Graph:
    """The graph with the result of every op as an output, as [N, H, W, C]."""
    ports = tuple(
        ir.Port(op.output, graph.tensors[op.output].shape, (0, 1, 2, 3)) for op in graph.ops
    )
    return replace(graph, outputs=ports)
