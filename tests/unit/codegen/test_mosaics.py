# SPDX-License-Identifier: Apache-2.0
"""Ops made of patches, against what they mean."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accel.isa import BY_NAME
from codegen import ir
from codegen.emit import macs
from codegen.fits import reason
from codegen.pipeline import lower
from tests.unit.codegen.graphs import CONFIGS, CRAMPED, DEFAULT, Builder
from tests.unit.codegen.reference import evaluate
from tests.unit.codegen.running import differing, expected, run


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 5), st.integers(1, 4), st.integers(1, 2), st.integers(0, 3), st.integers(0, 3)
)
def test_transposed_convolution_spreads_its_inputs(
    kernel: int, stride: int, dilation: int, pad: int, extra: int
) -> None:
    """Every input pixel adds kernel x value to the output, from stride * position - pad on."""
    pad, extra = min(pad, (kernel - 1) * dilation), min(extra, stride - 1)
    window = ir.Window2d((kernel,) * 2, (stride,) * 2, (pad,) * 4, (dilation,) * 2)
    builder = Builder(kernel + 8 * stride)
    x = builder.input((1, 5, 4, 3), 7)
    size = (5 - 1) * stride + (kernel - 1) * dilation + 1 - 2 * pad + extra
    if size < 1 or (4 - 1) * stride + (kernel - 1) * dilation + 1 - 2 * pad + extra < 1:
        return
    y = builder.upsample(x, 2, window, extra)
    graph, data = builder.graph(), builder.data()
    (mosaic,) = graph.ops
    assert isinstance(mosaic, ir.Mosaic)
    n, h, w, c = graph.tensors[y].shape
    reach = (kernel - 1) * dilation + 1
    room = np.zeros((n, (5 - 1) * stride + reach + extra, (4 - 1) * stride + reach + extra, c))
    acc = room.astype(np.int64)
    weight = np.zeros((c, kernel, kernel, 3), np.int64)
    for patch in mosaic.patches:  # put the taps back where they were
        assert isinstance(patch.op, ir.Conv)
        taps = [
            [t for t in range(kernel) if (f + pad - t * dilation) % stride == 0][::-1]
            for f in patch.first
        ]
        if all(taps):
            weight[np.ix_(range(c), *taps)] = patch.op.weight
    for ky, kx in np.ndindex(kernel, kernel):
        spread = (data[x].astype(np.int64) - 7) @ weight[:, ky, kx].T
        rows, pixels = (slice(k * dilation, None, stride) for k in (ky, kx))
        acc[:, rows, pixels][:, :5, :4] += spread
    acc = acc[:, pad : pad + h, pad : pad + w]
    requant = mosaic.patches[0].op.requant
    bias = builder_bias(mosaic, 7)
    scaled = (acc + bias) * requant.multiplier.astype(np.int64)
    shift = requant.shift.astype(np.int64)
    want = np.clip((scaled + (1 << shift - 1)) >> shift, -128, 127)
    assert np.array_equal(evaluate(graph, data)[y], want)
    assert differing(run(lower(graph, DEFAULT), graph, data, DEFAULT), expected(graph, data)) == []


def builder_bias(mosaic: ir.Mosaic, zero_point: int) -> npt.NDArray[np.int64]:
    """The bias of the whole op: the same from every patch."""
    biases = []
    for patch in mosaic.patches:
        assert isinstance(patch.op, ir.Conv)
        sums = patch.op.weight.astype(np.int64).sum(axis=(1, 2, 3))
        biases.append(patch.op.requant.bias + zero_point * sums)
    assert all(np.array_equal(bias, biases[0]) for bias in biases)
    return biases[0]


def test_multiply_accumulates_are_those_of_the_kernel() -> None:
    builder = Builder()
    x = builder.input((1, 8, 8, 16))
    builder.upsample(x, 16, ir.Window2d((4, 4), (2, 2), (1, 1, 1, 1)))
    graph = builder.graph()
    assert macs(graph.ops[0], graph) == 16 * 16 * 4 * 16 * 16


@pytest.mark.parametrize("name", sorted(CONFIGS))
def test_patches_of_all_kinds_in_bands_and_in_every_order(name: str) -> None:
    builder = Builder(3)
    x = builder.input((2, 7, 6, 20), 3)
    up = builder.upsample(x, 18, ir.Window2d((3, 3), (2, 2), (1, 1, 1, 1)), 1)
    builder.uneven(builder.repeat(up, (1, 3)), ir.Window2d((3, 2), (2, 2), (1, 1, 1, 1)))
    depthwise = builder.upsample(x, 20, ir.Window2d((2, 2), (3, 3)), groups=20)
    config = CONFIGS[name]
    if config.tables:
        builder.look_up(depthwise)
    graph, data = builder.graph(), builder.data()
    program, want = lower(graph, config), expected(graph, data)
    for seed in (None, 1):
        assert differing(run(program, graph, data, config, seed), want) == []
    assert config is not CRAMPED or program.scratch_bytes > 0


def test_distances_beyond_the_command_fields_are_refused() -> None:
    builder = Builder()
    builder.repeat(builder.input((1, 2, 1200, 16)), (20, 4))
    limit = next(f for f in BY_NAME["CONV"].fields if f.name == "out_pitch").range[1]
    graph = builder.graph()
    why = reason(graph.ops[0], graph.tensors, DEFAULT)
    assert why == f"out_pitch = {4 * 1200 * 16 * 20} is above the command field's limit of {limit}"
