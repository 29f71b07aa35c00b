# SPDX-License-Identifier: Apache-2.0
"""Run a program on the functional model through the real driver, and compare with the reference."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from accel.config import AccelConfig
from accel.driver import Driver
from accel.layout import round_up
from accel.model.device import ModelDevice
from accel.program import Program
from codegen import ir
from tests.unit.codegen.reference import evaluate

Int8Array = npt.NDArray[np.int8]


def to_host(tensor: Int8Array, port: ir.Port) -> Int8Array:
    """[N, H, W, C] as the host sees it."""
    shape = [port.host_shape[axis] for axis in port.axes]
    return np.ascontiguousarray(tensor.reshape(shape).transpose(np.argsort(port.axes)))


def run(
    program: Program,
    graph: ir.Graph,
    data: Mapping[str, Int8Array],
    config: AccelConfig,
    shuffle_seed: int | None = None,
) -> dict[str, Int8Array]:
    """Outputs of one run, as the host sees them."""
    parts = (
        program.constants.size,
        program.input_bytes,
        program.output_bytes,
        program.scratch_bytes,
    )
    device = ModelDevice(config, sum(round_up(part, 4096) for part in parts), shuffle_seed)
    device.memory[:] = 0xA5  # whatever was there before must not matter
    hosts = [to_host(data[port.tensor], port) for port in graph.inputs]
    outputs = Driver(device, config).run(program, hosts).outputs
    return {port.tensor: y for port, y in zip(graph.outputs, outputs, strict=True)}


def expected(graph: ir.Graph, data: Mapping[str, Int8Array]) -> dict[str, Int8Array]:
    """What `run` must give."""
    tensors = evaluate(graph, data)
    return {port.tensor: to_host(tensors[port.tensor], port) for port in graph.outputs}


def differing(left: Mapping[str, Int8Array], right: Mapping[str, Int8Array]) -> list[str]:
    """Names of the outputs in which at least one element differs."""
    assert left.keys() == right.keys()
    return [name for name in left if not np.array_equal(left[name], right[name])]
