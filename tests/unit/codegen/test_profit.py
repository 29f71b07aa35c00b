# SPDX-License-Identifier: Apache-2.0
"""What pays: regions, and ops at their border, at given times on the host."""

from __future__ import annotations

from dataclasses import replace

import pytest

from codegen import ir
from codegen.cost import estimate
from codegen.pipeline import lower
from codegen.profit import Clocked, Weighed, offloading_pays, weigh
from codegen.recipe import DEFAULT as RECIPE
from tests.unit.codegen.graphs import DEFAULT, Builder

OF = Clocked(DEFAULT, mhz=100, invocation_us=10)


def chain() -> ir.Graph:
    """Three convolutions and a pool."""
    builder = Builder()
    x = builder.input((1, 16, 16, 16))
    for channels in (16, 32, 16):
        x = builder.conv(x, channels, ir.Window2d((3, 3), padding=(1, 1, 1, 1)))
    builder.pool(x, ir.PoolKind.MAX, ir.Window2d((2, 2), (2, 2)))
    graph = builder.graph()
    ops = tuple(
        replace(op, source=replace(op.source, variable=f"v{index}"))
        for index, op in enumerate(graph.ops)
    )
    return replace(graph, ops=ops)


def decide(host_us: list[float], of: Clocked = OF) -> Weighed:
    graph = chain()
    times = {f"v{index}": us for index, us in enumerate(host_us)}
    return weigh(graph, lower(graph, DEFAULT), times, of, RECIPE)


def test_a_slow_host_offloads_everything() -> None:
    weighed = decide([1e4] * 4)
    assert not weighed.excluded
    (decision,) = weighed.decisions
    assert decision.offloaded
    assert decision.host_us == 4e4
    cycles = estimate(lower(chain(), DEFAULT), DEFAULT).cycles
    assert decision.cycles == cycles
    assert decision.accelerator_us == pytest.approx(cycles / 100 + 10)


def test_a_fast_host_keeps_everything_and_says_from_which_clock_on_it_pays() -> None:
    cycles = estimate(lower(chain(), DEFAULT), DEFAULT).cycles
    at = cycles / 100 / 4 * 0.9  # a little faster than the accelerator without invocation
    weighed = decide([at + 5] * 4)
    assert set(weighed.excluded) == {"v0", "v1", "v2", "v3"}
    assert not weighed.decisions[-1].offloaded
    refusal = weighed.excluded["v0"]
    assert refusal.rule == "offloading_pays"
    assert f"{cycles:,} cycles at 100 MHz + 10 us for an invocation" in refusal.detail
    clock = cycles / (4 * at + 20 - 10)
    assert f"--clock {clock:.0f};" in refusal.remedy
    assert not decide([at + 5] * 4, replace(OF, mhz=clock * 1.01)).excluded


def test_nothing_pays_against_a_host_faster_than_an_invocation() -> None:
    weighed = decide([2.0] * 4)
    assert "no clock makes it pay" in weighed.excluded["v0"].remedy


@pytest.mark.parametrize("cheap", [0, 3])
def test_a_border_op_that_the_host_does_for_nothing_goes_alone(cheap: int) -> None:
    times = [1e4] * 4
    times[cheap] = 0.0
    weighed = decide(times)
    assert set(weighed.excluded) == {f"v{cheap}"}
    border, rest = weighed.decisions
    assert not border.offloaded
    assert border.what == chain().ops[cheap].name
    assert border.host_us == 0
    assert border.cycles > 0
    assert rest.offloaded
    assert rest.host_us == 3e4


def test_an_op_inside_stays_however_cheap_it_is() -> None:
    assert not decide([1e4, 0.0, 1e4, 1e4]).excluded


def test_ops_go_one_after_the_other() -> None:
    assert set(decide([1e4, 1e4, 0.0, 0.0]).excluded) == {"v2", "v3"}


def test_variables_that_make_no_op_go_with_their_region() -> None:
    graph = chain()
    times = {f"v{index}": 0.1 for index in range(4)} | {"reshape": 0.1}
    assert "reshape" in weigh(graph, lower(graph, DEFAULT), times, OF, RECIPE).excluded


def test_a_tie_stays_on_the_host() -> None:
    assert offloading_pays(12.0, 200, OF) == (
        "12.0 us on the host, 12.0 us on the accelerator (200 cycles at 100 MHz + 10 us for an "
        "invocation)"
    )
    assert offloading_pays(12.1, 200, OF) == ""
