# SPDX-License-Identifier: Apache-2.0
"""Loads move forward, never past what they depend on, and the stream stays serially correct."""

from __future__ import annotations

from hypothesis import assume, given, settings

from codegen.emit import emit
from codegen.fits import reason
from codegen.passes.assign_tokens import assign_tokens
from codegen.passes.hoist_loads import hoist_loads
from codegen.passes.place_parts import place_parts
from codegen.passes.plan_sram import plan_sram
from codegen.passes.tile import tile
from codegen.stream import Step
from tests.unit.codegen.commands import conv, load, step, store
from tests.unit.codegen.graphs import CONFIG_NAMES, CONFIGS, DEFAULT, Builder, builders
from tests.unit.codegen.running import differing, expected, run


def order(steps: list[Step]) -> list[int]:
    """For each step of the hoisted stream its place in the original one (its layer says)."""
    return [s.layer for s in hoist_loads(steps, DEFAULT)]


def test_a_load_passes_commands_that_do_not_touch_it() -> None:
    steps = [
        step(0, load("ACT", 0x0, 256)),
        step(1, conv(in_addr=0x0, out_addr=0x1000)),
        step(2, conv(in_addr=0x0, out_addr=0x2000)),
        step(3, load("WEIGHT", 0x800, 256)),
        step(4, conv(in_addr=0x0, out_addr=0x3000, weight_addr=0x800)),
    ]
    assert order(steps) == [0, 3, 1, 2, 4]


def test_a_load_stays_behind_the_last_reader_of_what_it_overwrites() -> None:
    steps = [
        step(0, conv(in_addr=0x0, out_addr=0x1000)),
        step(1, conv(in_addr=0x0, out_addr=0x2000, weight_addr=0x400)),
        step(2, conv(in_addr=0x0, out_addr=0x3000, weight_addr=0x800)),
        step(3, load("WEIGHT", 0x400, 256)),
    ]
    assert order(steps) == [0, 1, 3, 2]


def test_a_load_of_scratch_stays_behind_the_store_that_wrote_it() -> None:
    steps = [
        step(0, conv(in_addr=0x0, out_addr=0x1000)),
        step(1, store(0x1000, 256)),
        step(2, conv(in_addr=0x0, out_addr=0x2000)),
        step(3, load("ACT", 0x8000, 256)),
    ]
    assert order(steps) == [0, 1, 3, 2]


def test_loads_do_not_crowd_the_queue() -> None:
    """A queue holds eight loads: the ninth goes no further than where the second was needed."""
    steps = []
    for i in range(12):
        steps.append(step(2 * i, load("WEIGHT", 0x100 * i, 256)))
        steps.append(step(2 * i + 1, conv(weight_addr=0x100 * i, out_addr=0x1000 * i)))
    hoisted = order(steps)
    assert hoisted[:11] == [0, 2, 4, 6, 8, 10, 12, 14, 1, 16, 3]
    for depth in range(len(hoisted)):
        ahead = [i for i in hoisted[: depth + 1] if i % 2 == 0 and i + 1 not in hoisted[:depth]]
        assert len(ahead) <= DEFAULT.queue_depth


@settings(deadline=None, max_examples=40)
@given(builders(), CONFIG_NAMES)
def test_hoisted_streams_are_serially_correct(builder: Builder, name: str) -> None:
    config, data = CONFIGS[name], builder.data()
    want = expected(builder.graph(), data)
    graph = place_parts(builder.graph(), config)
    assume(not any(reason(op, graph.tensors, config) for op in graph.ops))
    plan = plan_sram(graph, config)
    tiled = tile(graph, plan, config)
    hoisted = hoist_loads(tiled.steps, config)
    for kind in (True, False):
        before, after = (
            [s.instruction for s in steps if (s.instruction.name == "LOAD") is kind]
            for steps in (tiled.steps, hoisted)
        )
        assert before == after  # loads keep their order, and so do the others
    bare = [*hoisted, assign_tokens(hoisted, config)[-1]]  # END waits, nothing else does
    program = emit(graph, plan, bare, tiled.constants, config)
    assert differing(run(program, graph, data, config), want) == []
