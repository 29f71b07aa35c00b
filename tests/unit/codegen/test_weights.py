# SPDX-License-Identifier: Apache-2.0
"""Packed weights and parameter records, read back lane by lane."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accel.config import AccelConfig, load_config
from codegen import ir
from codegen.feed import DENSE, depthwise, fold
from codegen.weights import Grouping, grouping, pack_params, pack_weights
from tests.unit.codegen.graphs import CONFIG_NAMES, CONFIGS, DEFAULT, NARROW_BUS, SEEDS, Builder


def conv(cin: int, cout: int, groups: int = 1, kernel: int = 1, seed: int = 0) -> ir.Conv:
    builder = Builder(seed)
    x = builder.input((1, kernel, kernel, cin))
    builder.conv(x, cout, ir.Window2d((kernel, kernel)), groups)
    op = builder.ops[0]
    assert isinstance(op, ir.Conv)
    return op


@st.composite
def convs(draw: st.DrawFn) -> ir.Conv:
    groups = draw(st.integers(1, 40))
    most = max(1, 80 // groups)
    cin, cout = (groups * draw(st.integers(1, most)) for _ in range(2))
    return conv(cin, cout, groups, draw(st.integers(1, 2)), draw(SEEDS))


@given(convs(), CONFIG_NAMES)
def test_every_weight_lands_in_its_lane_and_nothing_else(op: ir.Conv, name: str) -> None:
    config = CONFIGS[name]
    k, n = config.k_lanes, config.n_lanes
    tiles, window = pack_weights(op, DENSE, config).view(np.int8), grouping(op, config)
    cout, kh, kw, cin_group = op.weight.shape
    assert tiles.shape == (-(-cout // n), kh, kw, window.blocks, k, n)
    rebuilt = np.zeros_like(op.weight)
    for channel in range(cout):
        group = channel // (cout // op.groups)
        for c in range(cin_group):
            block, lane = divmod(group * cin_group + c, k)
            local = block - window.step * (channel // n)
            rebuilt[channel, ..., c] = tiles[channel // n, :, :, local, lane, channel % n]
    assert np.array_equal(rebuilt, op.weight)
    assert np.count_nonzero(tiles) == np.count_nonzero(op.weight)


@pytest.mark.parametrize("name", ["default", "tiny", "small", "wide"])
@pytest.mark.parametrize("kernel", [2, 3, 5])
def test_depthwise_taps_read_back(name: str, kernel: int) -> None:
    config, op = CONFIGS[name], conv(21, 21, 21, kernel)
    feed = depthwise(op, config)
    if kernel > config.k_lanes:
        assert feed is None
        return
    assert feed is not None
    tiles = pack_weights(op, feed, config).view(np.int8)
    assert np.count_nonzero(tiles) == np.count_nonzero(op.weight)
    for channel, row, column in np.ndindex(21, kernel, kernel):
        block, lane = divmod(channel, config.n_lanes)
        step, place = divmod(row, feed.pass_rows)
        tap = tiles[block, step, 0, 0, column * feed.pass_rows + place, lane]
        assert tap == op.weight[channel, row, column, 0]


@pytest.mark.parametrize("name", sorted(CONFIGS))
@pytest.mark.parametrize("cin", [1, 3, 8])
def test_folded_kernel_rows_read_back(name: str, cin: int) -> None:
    config, op = CONFIGS[name], conv(cin, 19, kernel=3)
    feed = fold(op, config)
    if feed is None:
        return
    lines = pack_weights(op, feed, config).view(np.int8).transpose(0, 5, 1, 4, 2, 3)
    lines = lines.reshape(-1, feed.passes * config.k_lanes)[:19]
    rows = lines[:, : 3 * feed.fold_bytes].reshape(19, 3, feed.fold_bytes)
    assert np.array_equal(rows[..., : 3 * cin].reshape(19, 3, 3, cin), op.weight)
    assert np.count_nonzero(lines) == np.count_nonzero(op.weight)


@given(convs(), CONFIG_NAMES)
def test_input_windows_stay_inside_the_tensor(op: ir.Conv, name: str) -> None:
    config = CONFIGS[name]
    window = grouping(op, config)
    n_blocks = -(-op.weight.shape[0] // config.n_lanes)
    cin = op.weight.shape[3] * op.groups
    planes = -(-cin // config.n_lanes) * config.words_per_vector
    assert window.blocks >= 1
    assert window.step * (n_blocks - 1) + window.blocks <= planes


@pytest.mark.parametrize(
    ("cin", "cout", "groups", "config", "expected"),
    [
        (40, 64, 1, DEFAULT, Grouping(0, 3)),
        (64, 64, 64, DEFAULT, Grouping(1, 1)),  # depthwise: own channels only
        (64, 64, 64, NARROW_BUS, Grouping(4, 4)),
        (64, 128, 64, load_config("wide"), Grouping(0, 2)),  # two n-blocks share an input block
        (64, 32, 2, DEFAULT, Grouping(2, 2)),
        (48, 48, 2, DEFAULT, Grouping(0, 3)),  # groups of 24 do not align with 16 lanes
    ],
)
def test_grouping_examples(
    cin: int, cout: int, groups: int, config: AccelConfig, expected: Grouping
) -> None:
    assert grouping(conv(cin, cout, groups), config) == expected


@pytest.mark.parametrize("name", sorted(CONFIGS))
def test_parameter_records_read_back(name: str) -> None:
    config = CONFIGS[name]
    requant, n = conv(4, 37).requant, config.n_lanes
    records = pack_params(requant, config)
    assert records.shape == (-(-37 // n), config.param_record_bytes)

    def column(first: int, size: int, kind: str) -> np.ndarray:
        part = np.ascontiguousarray(records[:, first * n : (first + size) * n])
        return part.view(kind).reshape(-1)

    for values, expected, unused in (
        (column(0, 4, "<i4"), requant.bias, 0),
        (column(4, 4, "<i4"), requant.multiplier, 0),
        (column(8, 1, "u1"), requant.shift, 1),
    ):
        assert np.array_equal(values[:37], expected)
        assert (values[37:] == unused).all()
