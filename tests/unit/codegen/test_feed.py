# SPDX-License-Identifier: Apache-2.0
"""How convolutions are fed: fewer passes where channels are few, dense where that is illegal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from accel.banks import Gather, banked_pitch
from accel.config import AccelConfig
from accel.isa import ConvMode
from codegen import ir
from codegen.feed import depthwise, feed, fold
from codegen.passes.choose_feeds import choose_feeds
from tests.unit.codegen.graphs import DEFAULT, SMALL, TALL, TINY, WIDE, Builder


def first_conv(cin: int, cout: int, window: ir.Window2d, groups: int = 1) -> ir.Conv:
    builder = Builder()
    builder.conv(builder.input((1, 24, 24, cin)), cout, window, groups)
    op = builder.ops[0]
    assert isinstance(op, ir.Conv)
    return op


@pytest.mark.parametrize(
    ("channels", "kernel", "passes"),
    [(3, (3, 3), 2), (1, (10, 4), 3), (3, (7, 7), 10), (1, (11, 11), 8), (8, (1, 1), None)],
)
def test_folding_fills_the_lanes(
    channels: int, kernel: tuple[int, int], passes: int | None
) -> None:
    """Kernel bytes over K, rounded up; a 1x1 kernel gains nothing."""
    found = fold(first_conv(channels, 16, ir.Window2d(kernel)), DEFAULT)
    assert (found and found.passes) == passes


@pytest.mark.parametrize("config", [DEFAULT, SMALL, TALL, TINY, WIDE])
@pytest.mark.parametrize("channels", range(1, 9))
@pytest.mark.parametrize("kernel", [(11, 11), (7, 7), (5, 5), (3, 3), (2, 9)])
def test_folding_takes_any_kernel(
    config: AccelConfig, channels: int, kernel: tuple[int, int]
) -> None:
    """Up to 8 channels and 11x11 on every array where that fills at most half of the lanes."""
    found = fold(first_conv(channels, 16, ir.Window2d(kernel)), config)
    if 2 * channels <= config.k_lanes:
        assert found is not None
        assert found.passes < kernel[0] * kernel[1]


@pytest.mark.parametrize(
    ("kernel", "stride", "passes"), [(3, 1, 1), (3, 2, 1), (5, 1, 2), (5, 2, 2), (3, 3, None)]
)
def test_depthwise_passes(kernel: int, stride: int, passes: int | None) -> None:
    window = ir.Window2d((kernel, kernel), (stride, stride))
    found = depthwise(first_conv(32, 32, window, 32), DEFAULT)
    assert (found and found.passes) == passes


def test_what_is_no_depthwise_stays_dense() -> None:
    window = ir.Window2d((3, 3))
    assert depthwise(first_conv(32, 64, window, 32), DEFAULT) is None  # channel multiplier
    assert depthwise(first_conv(32, 32, window, 16), DEFAULT) is None
    assert depthwise(first_conv(32, 32, window, 32), TALL) is None  # mode not built
    dilated = ir.Window2d((3, 3), dilation=(2, 2))
    assert depthwise(first_conv(32, 32, dilated, 32), DEFAULT) is None


def test_rows_of_a_gather_lie_in_different_banks() -> None:
    gather = Gather(rows=3, dilation=1, words=2)
    pitch = banked_pitch(48 * 16, [gather], DEFAULT)
    assert pitch == 50 * 16
    for row in range(3):
        banks = {(row * pitch // 16 + word) % 8 for word in range(2)}
        others = {(r * pitch // 16 + w) % 8 for r in range(3) if r != row for w in range(2)}
        assert not banks & others
    assert banked_pitch(0, [Gather(4, 1, 3)], DEFAULT) is None  # 12 words, 8 banks


def test_an_input_is_packed_only_if_every_reader_folds_it() -> None:
    builder = Builder()
    image = builder.input((1, 16, 16, 3))
    builder.conv(image, 8, ir.Window2d((3, 3)))
    alone = choose_feeds(builder.graph(), DEFAULT)
    assert alone.tensors[image].packed
    builder.pool(image, ir.PoolKind.MAX, ir.Window2d((2, 2)))
    assert not choose_feeds(builder.graph(), DEFAULT).tensors[image].packed


def test_one_tensor_can_feed_depthwise_and_dense_convolutions() -> None:
    builder = Builder()
    x = builder.input((1, 16, 16, 32))
    builder.conv(x, 32, ir.Window2d((3, 3)), groups=32)
    builder.conv(x, 16)
    graph = choose_feeds(builder.graph(), DEFAULT)
    modes = [feed(op, graph.tensors, DEFAULT).mode for op in graph.ops if isinstance(op, ir.Conv)]
    assert modes == [ConvMode.DEPTHWISE, ConvMode.DENSE]
    plain = replace(graph.tensors[x], gathers=())
    op = graph.ops[0]
    assert isinstance(op, ir.Conv)
    assert feed(op, {**graph.tensors, x: plain}, DEFAULT).mode == ConvMode.DENSE
