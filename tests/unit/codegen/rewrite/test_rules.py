# SPDX-License-Identifier: Apache-2.0
"""Each rule on a minimal model that exact matching refuses, and its numbers before and after."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from accel.config import AccelConfig
from codegen.choices import EXACT, Choices
from codegen.frontend.integerize import integerize
from codegen.frontend.onnx_import import Imported, import_onnx
from codegen.matching import match_model
from codegen.rewrite import rules
from codegen.rewrite.rewrite import rewrite, widest_kernel
from sim.compare import run_host
from tests.e2e.island_models import Islands, wide_kernel_net

pytestmark = pytest.mark.usefixtures("quick_host_code")

CONFIG = AccelConfig()
Build = Callable[[], Islands]


def image(*shape: int) -> tuple[Islands, str]:
    net = Islands(*(shape or (1, 4, 6, 6)))
    return net, net.q("x")


def commuted_bias() -> Islands:
    net, x = image()
    net.q(net.node("Add", net.vector(8, 1, 1), net.node("Conv", x, net.weight(8, 4, 3, 3))))
    return net


def subtracted_bias() -> Islands:
    net, x = image()
    net.q(net.node("Sub", net.node("Conv", x, net.weight(8, 4, 3, 3)), net.vector(1, 8, 1, 1)))
    return net


def computed_bias() -> Islands:
    net, x = image(3, 8)
    net.q(net.node("Gemm", x, net.weight(8, 5, axis=1), net.vector(5), beta=2.0))
    return net


def bounds_by_max_and_min() -> Islands:
    net, x = image()
    y = net.node("Max", net.constant(0.0), net.conv(x, 4, 8, 3, 3))
    net.q(net.node("Min", y, net.constant(2.0)))
    return net


def sequence() -> Islands:
    net, x = image(2, 4, 20)
    net.q(net.node("Relu", net.conv(x, 4, 8, 3, strides=[2], dilations=[2], pads=[1, 2])))
    return net


def pointwise_sequence() -> Islands:
    net, x = image(1, 12, 8)
    y = net.node("Conv", net.node("Transpose", x, perm=[0, 2, 1]), net.weight(8, 8, 1))
    net.q(net.node("Relu", net.node("Transpose", y, perm=[0, 2, 1])))
    return net


def rows_of_rank_four() -> Islands:
    net, x = image(1, 5, 6, 8)
    y = net.node("Add", net.node("MatMul", x, net.weight(8, 12, axis=1)), net.vector(12))
    net.q(net.node("Relu", y))
    return net


def constant_on_the_left() -> Islands:
    net, x = image(2, 6, 10)
    net.q(net.node("MatMul", net.weight(8, 6), x))
    return net


def channels_last() -> Islands:
    net, x = image(1, 6, 6, 4)
    y = net.node("Conv", net.node("Transpose", x, perm=[0, 3, 1, 2]), net.weight(8, 4, 3, 3))
    y = net.node("Add", net.node("Transpose", y, perm=[0, 2, 3, 1]), net.vector(8, low=-0.5))
    net.q(net.node("Relu", y))
    return net


def moved_and_unmoved_sum() -> Islands:
    net, x = image(1, 4, 6, 6)
    y = net.node("Conv", x, net.weight(4, 4, 1, 1))
    y = net.q(net.node("Transpose", y, perm=[0, 2, 3, 1]))
    y = net.node("Add", y, net.q(net.node("Transpose", x, perm=[0, 2, 3, 1])))
    y = net.node("Transpose", net.q(y), perm=[0, 3, 1, 2])
    net.q(net.conv(y, 4, 8, 3, 3))
    return net


def reshaped_and_back() -> Islands:
    net, x = image(1, 4, 6, 6)
    y = net.node("Relu", net.node("Reshape", x, net.constant([1, 4, 36], np.int64)))
    net.q(net.conv(net.node("Reshape", y, net.constant([1, 4, 6, 6], np.int64)), 4, 8, 3, 3))
    return net


def joined_channels_last() -> Islands:
    net, x = image(1, 6, 6, 4)
    parts = []
    for _ in range(2):
        y = net.conv(net.node("Transpose", x, perm=[0, 3, 1, 2]), 4, 8, 3, 3)
        parts.append(net.node("Transpose", net.q(y), perm=[0, 2, 3, 1]))
    y = net.node("Concat", *parts, axis=3)
    y = net.node("Transpose", net.q(y), perm=[0, 3, 1, 2])
    net.q(net.conv(y, 16, 8, 1, 1))
    return net


def mean_of_channels_last() -> Islands:
    net, x = image(1, 6, 6, 4)
    y = net.conv(net.node("Transpose", x, perm=[0, 3, 1, 2]), 4, 8, 3, 3)
    y = net.q(net.node("Transpose", y, perm=[0, 2, 3, 1]))
    net.q(net.node("ReduceMean", y, axes=[1, 2], keepdims=0))
    return net


def mean_of_a_sequence() -> Islands:
    net, x = image(2, 8, 12)
    y = net.q(net.conv(x, 8, 8, 3))
    net.q(net.node("ReduceMean", y, axes=[-1], keepdims=0))
    return net


def pooled_sequence() -> Islands:
    net, x = image(2, 8, 12)
    y = net.node("MaxPool", x, kernel_shape=[3], strides=[2], pads=[1, 1])
    y = net.q(net.conv(y, 8, 8, 3))
    net.q(net.node("AveragePool", y, kernel_shape=[2], strides=[2]))
    return net


def ceiling_without_effect() -> Islands:
    net, x = image(1, 8, 6, 6)
    net.q(net.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1))
    return net


def mean_of_means() -> Islands:
    net, x = image()
    net.q(net.node("ReduceMean", net.node("ReduceMean", x, axes=[3]), axes=[2]))
    return net


def norm_behind_conv() -> Islands:
    net, x = image()
    net.q(net.node("Relu", net.norm(net.conv(x, 4, 8, 3, 3), 8)))
    return net


def norm_behind_norm() -> Islands:
    net, x = image()
    net.q(net.norm(net.norm(net.conv(x, 4, 8, 3, 3), 8), 8))
    return net


def norm_of_an_activation() -> Islands:
    net, x = image()
    net.q(net.norm(x, 4))
    return net


def negative_factors() -> Islands:
    net, x = image()
    factors = net.constant([[[-0.5]], [[2.0]], [[-1.5]], [[0.25]]] * 2)
    y = net.node("Mul", factors, net.node("Conv", x, net.weight(8, 4, 3, 3)))
    net.q(net.node("Div", y, net.constant(3.0)))
    return net


def factor_behind_dense() -> Islands:
    net, x = image(3, 8)
    y = net.node("MatMul", x, net.weight(8, 5, axis=1))
    net.q(net.node("Add", net.node("Mul", y, net.vector(5)), net.vector(5)))
    return net


def gemm_with_alpha() -> Islands:
    net, x = image(3, 8)
    net.q(net.node("Gemm", x, net.weight(5, 8), net.vector(5), alpha=0.7, beta=0.3, transB=1))
    return net


def factor_behind_a_mean() -> Islands:
    net, x = image()
    net.q(net.node("Mul", net.node("GlobalAveragePool", x), net.constant(2.5)))
    return net


def sum_over_pixels() -> Islands:
    net, x = image()
    net.q(net.node("ReduceSum", x, net.constant([2, 3], np.int64)))
    return net


def scaled_scores() -> Islands:
    net, x = image(2, 16, 16)
    y = net.q(net.node("Relu", x))
    net.q(net.node("Mul", net.node("MatMul", x, y), net.constant(0.25)))
    return net


def scaled_operands_of_a_sum() -> Islands:
    net, x = image()
    y = net.q(net.conv(x, 4, 4, 3, 3, pads=[1] * 4))
    scaled = [net.node("Mul", v, net.constant(f)) for v, f in ((x, 0.5), (y, 3.0))]
    net.q(net.node("Add", *scaled))
    return net


def factor_behind_bounds() -> Islands:
    net, x = image()
    y = net.node("Clip", net.conv(x, 4, 8, 3, 3), net.constant(0.0), net.constant(6.0))
    net.q(net.node("Mul", y, net.constant(1 / 6)))
    return net


def factors_behind_relu() -> Islands:
    net, x = image()
    net.q(net.node("Mul", net.node("Relu", net.conv(x, 4, 8, 3, 3)), net.vector(8, 1, 1)))
    return net


def factors_behind_a_pool() -> Islands:
    net, x = image()
    y = net.node("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])
    net.q(net.node("Add", net.node("Mul", y, net.vector(4, 1, 1)), net.vector(4, 1, 1)))
    return net


SAME: tuple[Build, ...] = (
    subtracted_bias,
    bounds_by_max_and_min,
    rows_of_rank_four,
    constant_on_the_left,
    channels_last,
    moved_and_unmoved_sum,
    reshaped_and_back,
    joined_channels_last,
    mean_of_channels_last,
    pooled_sequence,
)
"""The same float operations: no bit may change, before integers come in."""
CLOSE: tuple[Build, ...] = (
    computed_bias,
    mean_of_means,
    norm_behind_conv,
    norm_behind_norm,
    negative_factors,
    factor_behind_dense,
    gemm_with_alpha,
    factor_behind_a_mean,
    sum_over_pixels,
    scaled_scores,
    scaled_operands_of_a_sum,
    factor_behind_bounds,
    factors_behind_relu,
    factors_behind_a_pool,
)
"""A factor moved into scales: the integer form rounds once, so one step at most."""
BOTH: tuple[Build, ...] = (
    commuted_bias,
    sequence,
    pointwise_sequence,
    mean_of_a_sequence,
    ceiling_without_effect,
    norm_of_an_activation,
)
"""Exact matching takes these, too."""


def imported(build: Build, folder: Path) -> Imported:
    return import_onnx(build().save(folder / "net.onnx"))


def sample(model: Imported) -> list[np.ndarray]:
    shape = [int(size) for size in model.module["main"].params[0].ty.shape]
    return [np.random.default_rng(5).normal(0, 1, shape).astype(np.float32)]


def step(model: Imported) -> float:
    """Scale of the output."""
    constants = {c.name: numpy_helper.to_array(c) for c in model.model.graph.initializer}
    last: onnx.NodeProto = model.model.graph.node[-1]
    return float(constants[last.input[1]])


@pytest.mark.parametrize("build", BOTH, ids=lambda b: b.__name__)
def test_flexible_matching_keeps_what_exact_matching_takes(build: Build, tmp_path: Path) -> None:
    model = imported(build, tmp_path)
    exact, flexible = match_model(model, CONFIG, Choices(match=EXACT)), match_model(model, CONFIG)
    assert exact.coverage.ops
    assert not exact.coverage.beats(flexible.coverage)


@pytest.mark.parametrize("build", [*SAME, *CLOSE], ids=lambda b: b.__name__)
def test_flexible_matching_takes_what_exact_matching_leaves(build, tmp_path) -> None:
    model = imported(build, tmp_path)
    exact, flexible = match_model(model, CONFIG, Choices(match=EXACT)), match_model(model, CONFIG)
    assert flexible.coverage.beats(exact.coverage)
    assert flexible.coverage.ops
    inputs = sample(model)
    (before,), (after,) = (run_host(m, inputs) for m in (model.module, flexible.integer))
    assert np.abs(before - after).max() <= step(model) * 1.001
    assert np.count_nonzero(before != after) <= before.size / 20
    assert np.ptp(before) > 10 * step(model)
    if build in SAME:
        (rewritten,) = run_host(rewrite(model.module), inputs)
        np.testing.assert_array_equal(before, rewritten)


def test_parts_of_a_wide_kernel_give_the_same_integers(tmp_path) -> None:
    model = imported(wide_kernel_net, tmp_path)
    rewritten = rewrite(model.module, widest_kernel(CONFIG), ("forms", "moves", "windows"))
    whole = rewrite(model.module, 255, ("forms", "moves"))
    (before,), (after,) = (run_host(integerize(m)[0], sample(model)) for m in (whole, rewritten))
    np.testing.assert_array_equal(before, after)
    exact, flexible = match_model(model, CONFIG, Choices(match=EXACT)), match_model(model, CONFIG)
    assert flexible.coverage.macs > exact.coverage.macs


def zero_factor() -> Islands:
    net, x = image()
    factors = net.constant([[[0.0]], *[[[1.5]]] * 7])
    net.q(net.node("Mul", net.node("Conv", x, net.weight(8, 4, 3, 3)), factors))
    return net


def test_a_factor_of_zero_stays_where_it_is(tmp_path) -> None:
    model = imported(zero_factor, tmp_path)
    assert rewrite(model.module) is model.module


def test_weights_of_minus_128_are_not_negated(tmp_path) -> None:
    path = negative_factors().save(tmp_path / "net.onnx")
    proto = onnx.load(path)
    for index, constant in enumerate(proto.graph.initializer):
        if constant.name.endswith("_int8"):
            values = numpy_helper.to_array(constant).copy()
            values.flat[0] = -128
            proto.graph.initializer[index].CopyFrom(numpy_helper.from_array(values, constant.name))
    onnx.save(proto, path)
    model = import_onnx(path)
    exact, flexible = match_model(model, CONFIG, Choices(match=EXACT)), match_model(model, CONFIG)
    assert flexible.coverage.macs == exact.coverage.macs == 0


@pytest.mark.parametrize(("rounds", "nodes"), [(1, 60_000), (24, 10)])
def test_saturation_that_is_cut_off_gives_an_equal_module(
    rounds, nodes, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(rules, "ROUNDS", rounds)
    monkeypatch.setattr(rules, "NODES", nodes)
    model = imported(moved_and_unmoved_sum, tmp_path)
    (before,), (after,) = (
        run_host(m, sample(model)) for m in (model.module, rewrite(model.module))
    )
    np.testing.assert_array_equal(before, after)
