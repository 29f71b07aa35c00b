# SPDX-License-Identifier: Apache-2.0
"""Weight chunks: every weight once, in pieces that fit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from codegen.passes.tile_conv import chunks
from tests.unit.codegen.graphs import CONFIG_NAMES, CONFIGS, CRAMPED, DEFAULT


@given(
    st.integers(1, 40),
    st.tuples(st.integers(1, 7), st.integers(1, 7)),
    st.integers(1, 40),
    CONFIG_NAMES,
    st.sampled_from([4, 8, 32]),
    st.booleans(),
)
def test_chunks_cover_every_weight_once_and_fit(
    n_blocks: int, kernel: tuple[int, int], cin_blocks: int, name: str, share: int, fine: bool
) -> None:
    config = CONFIGS[name]
    if 2 * kernel[1] * config.weight_tile_bytes > config.weight_bytes:
        return  # codegen/fits.py refuses these
    covered = []
    for group in chunks(n_blocks, kernel, cin_blocks, config, share, fine):
        assert [c.first for c in group] == [True] + [False] * (len(group) - 1)
        assert [c.last for c in group] == [False] * (len(group) - 1) + [True]
        assert len({c.n for c in group}) == 1
        assert len(group) == 1 or group[0].n[1] == 1  # partial sums: one n-block at a time
        for chunk in group:
            size = chunk.n[1] * chunk.ky[1] * kernel[1] * chunk.cb[1] * config.weight_tile_bytes
            assert 2 * size <= config.weight_bytes
            assert 2 * chunk.n[1] * config.param_record_bytes <= config.param_bytes
            covered += [
                (n, ky, cb)
                for n in range(chunk.n[0], sum(chunk.n))
                for ky in range(chunk.ky[0], sum(chunk.ky))
                for cb in range(chunk.cb[0], sum(chunk.cb))
            ]
    everything = [
        (n, ky, cb) for n in range(n_blocks) for ky in range(kernel[0]) for cb in range(cin_blocks)
    ]
    assert sorted(covered) == everything
    assert len(covered) == len(set(covered))


def test_small_weights_come_in_eighths_of_the_sram() -> None:
    tiles = 9 * 4  # 3x3, 64 input channels: 9 KiB for a block of 16 output channels
    groups = list(chunks(8, (3, 3), 4, DEFAULT, 8))
    assert tiles * DEFAULT.weight_tile_bytes > DEFAULT.weight_bytes // 8
    assert [group[0].n for group in groups] == [(i, 1) for i in range(8)]
    pairs = list(chunks(8, (1, 1), 4, DEFAULT, 8))
    assert [group[0].n for group in pairs] == [(0, 8)]


def test_a_deep_kernel_is_cut_by_channels_then_by_kernel_rows() -> None:
    by_channel = next(iter(chunks(1, (1, 1), 20, CRAMPED, 8)))
    assert [(c.ky, c.cb) for c in by_channel][:2] == [((0, 1), (0, 2)), ((0, 1), (2, 2))]
    by_row = next(iter(chunks(1, (3, 3), 1, CRAMPED, 8)))
    assert [(c.ky, c.cb) for c in by_row] == [((i, 1), (0, 1)) for i in range(3)]
