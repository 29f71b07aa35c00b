# SPDX-License-Identifier: Apache-2.0
"""Products of two activations: the second one is weights that nobody packed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from accel.config import AccelConfig
from codegen import ir
from codegen.emit import macs
from codegen.fits import reason
from codegen.pipeline import lower
from tests.unit.codegen.graphs import DEFAULT, SMALL, TALL, WIDE, Builder
from tests.unit.codegen.running import differing, expected, run

LITTLE = replace(DEFAULT, act_kib=8, weight_kib=2, acc_entries=32, queue_depth=2)
CONFIGS = {"default": DEFAULT, "small": replace(SMALL, bus_bytes=8), "wide": WIDE, "little": LITTLE}


def attention(batch: int, length: int, heads: int, size: int) -> Builder:
    """Scores of queries and keys, mixed with values; all three computed on chip from one input."""
    builder = Builder(length)
    x = builder.input((batch * length, 1, 1, 48), 5)
    width = heads * size
    q, k, v = (builder.conv(x, width, tail=ir.Tail(zero)) for zero in (-7, 12, 3))
    scores = builder.matmul(q, k, heads, transposed=True, images=batch)
    builder.matmul(scores, v, heads, transposed=False, images=batch)
    return builder


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize(("batch", "length", "heads", "size"), [(1, 64, 2, 32), (2, 32, 3, 64)])
def test_attention_matches_numpy(name: str, batch: int, length: int, heads: int, size: int) -> None:
    builder, config = attention(batch, length, heads, size), CONFIGS[name]
    graph, data = builder.graph(), builder.data()
    program, want = lower(graph, config), expected(graph, data)
    for seed in (None, 1, 2):
        assert differing(run(program, graph, data, config, seed), want) == []


def test_operands_may_come_from_the_host() -> None:
    builder = Builder()
    a, b = builder.input((40, 1, 1, 32), 9), builder.input((32, 1, 1, 48), -100)
    builder.matmul(a, b, 1, transposed=False)
    graph, data = builder.graph(), builder.data()
    got = run(lower(graph, DEFAULT), graph, data, DEFAULT, shuffle_seed=4)
    assert differing(got, expected(graph, data)) == []
    assert macs(graph.ops[0], graph) == 40 * 32 * 48


@pytest.mark.parametrize(
    ("config", "columns", "why"),
    [
        (TALL, 48, "needs n_lanes = k_lanes, not 16 and 8"),
        (DEFAULT, 40, "output columns of a head is 40, no multiple of k_lanes = 16"),
        (replace(DEFAULT, bus_bytes=32), 48, "set bus_bytes <= k_lanes"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_values(
    config: AccelConfig, columns: int, why: str
) -> None:
    builder = Builder()
    a, b = builder.input((40, 1, 1, 32)), builder.input((32, 1, 1, columns))
    builder.matmul(a, b, 1, transposed=False)
    assert why in reason(builder.ops[0], builder.tensors, config)
