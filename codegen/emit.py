# SPDX-License-Identifier: Apache-2.0
"""Encode a finished stream as a program: the only place that makes command words."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from accel.codec import Instruction, encode
from accel.config import AccelConfig
from accel.program import Binding, Layer, Program
from codegen import ir
from codegen.plan import Plan
from codegen.stream import Step


def emit(
    graph: ir.Graph,
    plan: Plan,
    steps: Sequence[Step],
    constants: bytes,
    config: AccelConfig,
) -> Program:
    """Build the program; command `i` gets id `i`."""
    words = [
        encode(Instruction(s.instruction.name, {**s.instruction.values, "id": i}))
        for i, s in enumerate(steps)
    ]
    return Program(
        name=graph.name,
        config_digest=config.digest(),
        words=np.stack(words),
        layer_of=tuple(step.layer for step in steps),
        layers=tuple(_layer(op, graph) for op in graph.ops),
        constants=np.frombuffer(constants, np.uint8),
        inputs=tuple(_binding(port, graph, plan) for port in graph.inputs),
        outputs=tuple(_binding(port, graph, plan) for port in graph.outputs),
        input_bytes=plan.input_bytes,
        output_bytes=plan.output_bytes,
        scratch_bytes=plan.scratch_bytes,
    )


def macs(op: ir.Op, graph: ir.Graph) -> int:
    """Multiply-accumulates of an op, as the literature counts them: convolutions and products."""
    n, h, w, channels = graph.tensors[op.output].shape
    match op:
        case ir.Conv():
            return n * h * w * _weights(op)
        case ir.Mosaic():
            return sum(n * p.size[0] * p.size[1] * _weights(p.op) for p in op.patches)
        case ir.MatMul():
            return n * channels * graph.tensors[op.a].shape[3] // op.heads
    return 0


def _weights(op: ir.Conv | ir.Pool) -> int:
    """Weights that count."""
    if isinstance(op, ir.Pool) or op.overhead:
        return 0
    count, *taps, cin = op.weight.shape
    return math.prod((count, *taps, cin - op.idle))


def _layer(op: ir.Op, graph: ir.Graph) -> Layer:
    return Layer(op.name, type(op).__name__.lower(), op.source.node, macs(op, graph))


def _binding(port: ir.Port, graph: ir.Graph, plan: Plan) -> Binding:
    place = plan.places[port.tensor]
    assert place.memory is not None
    return Binding(
        name=port.tensor,
        offset=place.memory.offset,
        layout=place.layout,
        host_shape=port.host_shape,
        axes=port.axes,
        zero_point=graph.tensors[port.tensor].zero_point,
    )
