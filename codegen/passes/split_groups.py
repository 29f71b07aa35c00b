# SPDX-License-Identifier: Apache-2.0
"""Cut grouped convolutions into ones that read only the channels they need.

A command sees a window of input channels that moves evenly with the output vector. Where groups do
not fit that, every output would see all inputs, most of them with weights of zero.

Before: any valid graph. After: the same results; a grouped convolution that takes fewer passes that
way is several dense ones, each from a part of its input to a part of its output.

    conv(a [.., 64], 2 groups)   ->   conv(a[.., :32]), conv(a[.., 32:])
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from accel.config import AccelConfig
from accel.layout import round_up
from codegen import ir
from codegen.feed import depthwise
from codegen.fits import reason
from codegen.weights import grouping

LEAST_GAIN = 1.25
"""Passes are worth being split for by this factor: every convolution has commands of its own."""
MOST_RUNS = 64


@dataclass(frozen=True, slots=True)
class Run:
    """Output channels whose groups need the same vectors of input channels: [first, stop) each."""

    outputs: tuple[int, int]
    inputs: tuple[int, int]


def split_groups(graph: ir.Graph, config: AccelConfig) -> ir.Graph:
    """Split what pays, where all parts fit."""
    tensors = dict(graph.tensors)
    ops: list[ir.Op] = []
    for op in graph.ops:
        runs = _runs(op, config) if isinstance(op, ir.Conv) else []
        if not isinstance(op, ir.Conv) or not runs:
            ops.append(op)
            continue
        new, parts = _split(op, runs, tensors)
        if any(reason(part, {**tensors, **new}, config) for part in parts):
            ops.append(op)
        else:
            tensors |= new
            ops += parts
    return replace(graph, ops=tuple(ops), tensors=tensors)


def _runs(conv: ir.Conv, config: AccelConfig) -> list[Run]:
    """How to split a convolution; nothing where that saves little."""
    if conv.groups == 1 or depthwise(conv, config) is not None:
        return []
    n, k = config.n_lanes, config.k_lanes
    count, cin = conv.weight.shape[0], conv.weight.shape[3]
    size, channels = count // conv.groups, cin * conv.groups
    found: list[Run] = []
    for first in range(0, count, n):
        last = min(first + n, count)
        low = first // size * cin // n * n
        high = min(round_up(((last - 1) // size + 1) * cin, k), channels)
        if found and found[-1].inputs == (low, high):
            found[-1] = replace(found[-1], outputs=(found[-1].outputs[0], last))
        else:
            found.append(Run((first, last), (low, high)))
    passes = sum(-(-(r.outputs[1] - r.outputs[0]) // n) * -(-_size(r.inputs) // k) for r in found)
    now = -(-count // n) * grouping(conv, config).blocks
    return found if passes * LEAST_GAIN <= now and 1 < len(found) <= MOST_RUNS else []


def _size(bounds: tuple[int, int]) -> int:
    return bounds[1] - bounds[0]


def _split(
    conv: ir.Conv, runs: list[Run], tensors: Mapping[str, ir.Tensor]
) -> tuple[dict[str, ir.Tensor], list[ir.Op]]:
    """Parts of tensors, and the convolutions between them."""
    new: dict[str, ir.Tensor] = {}

    def part(name: str, role: str, bounds: tuple[int, int]) -> str:
        whole, own = tensors[name], f"{conv.output}.{role}{bounds[0]}"
        shape = (*whole.shape[:3], _size(bounds))
        placed = ir.Part(name, channel=bounds[0])
        new[own] = ir.Tensor(own, shape, whole.zero_point, part=placed)
        return own

    return new, [
        replace(
            conv,
            name=f"{conv.name}.{index}",
            input=part(conv.input, "in", run.inputs),
            output=part(conv.output, "out", run.outputs),
            residual=conv.residual and part(conv.residual, "res", run.outputs),
            weight=_weights(conv, run),
            groups=1,
            requant=_channels(conv.requant, slice(*run.outputs)),
            idle=_size(run.inputs) - conv.weight.shape[3] + conv.idle,
        )
        for index, run in enumerate(runs)
    ]


def _channels(requant: ir.Requant, chosen: slice) -> ir.Requant:
    bias, multiplier = requant.bias[chosen], requant.multiplier[chosen]
    return replace(requant, bias=bias, multiplier=multiplier, shift=requant.shift[chosen])


def _weights(conv: ir.Conv, run: Run) -> npt.NDArray[np.int8]:
    """Weights of a run on its input channels, zero for those of other groups."""
    count, *kernel, cin = conv.weight.shape
    size = count // conv.groups
    weight = np.zeros((_size(run.outputs), *kernel, _size(run.inputs)), np.int8)
    for row, channel in enumerate(range(*run.outputs)):
        first = channel // size * cin - run.inputs[0]
        weight[row, :, :, first : first + cin] = conv.weight[channel]
    return weight
