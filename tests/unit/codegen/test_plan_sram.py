# SPDX-License-Identifier: Apache-2.0
"""The memory plan: nothing alive shares a byte, in the SRAM or in a window."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings

from accel.config import AccelConfig
from accel.program import Window
from codegen import ir
from codegen.bands import bands
from codegen.fits import band_bytes, reason
from codegen.passes.place_parts import place_parts
from codegen.passes.plan_sram import plan_sram
from codegen.plan import Memory, Place, Plan, Region
from tests.unit.codegen.graphs import (
    CONFIG_NAMES,
    CONFIGS,
    CRAMPED,
    DEFAULT,
    Builder,
    builders,
)

SAME3 = ir.Window2d((3, 3), padding=(1, 1, 1, 1))


def alive(graph: ir.Graph) -> list[set[str]]:
    """For each op the tensors that must keep their value while it runs, whole ones.

    Graph inputs count from their first use: a resident one is loaded there.
    """
    uses: dict[str, list[int]] = {}
    for index, op in enumerate(graph.ops):
        for name in (*ir.reads(op), op.output):
            uses.setdefault(ir.whole_of(name, graph.tensors), []).append(index)
    return [
        {name for name, at in uses.items() if at[0] <= index <= at[-1]}
        for index in range(len(graph.ops))
    ]


@settings(deadline=None)
@given(builders(most_ops=6), CONFIG_NAMES)
def test_what_is_alive_together_never_overlaps(builder: Builder, name: str) -> None:
    config = CONFIGS[name]
    graph = place_parts(builder.graph(), config)
    assume(not any(reason(op, graph.tensors, config) for op in graph.ops))
    plan = plan_sram(graph, config)
    for op, names, slab in zip(graph.ops, alive(graph), plan.slabs, strict=True):
        regions = [r for n in names if (r := plan.places[n].resident) is not None]
        streamed = {n for n in (*ir.reads(op), op.output) if plan.places[n].resident is None}
        assert (slab is not None) == bool(streamed)
        if slab is not None:
            held, part = slab.held_buffers * slab.held_bytes, slab.part_buffers * slab.part_bytes
            regions.append(Region(slab.start, held + part))
            need = band_bytes(op, graph.tensors, config, slab.rows, streamed, slab.blocks)
            assert need.held <= slab.held_bytes
            assert need.part <= slab.part_bytes
            assert 1 <= slab.rows <= bands(op, graph.tensors).image_rows
        assert all(r.start >= 0 and r.stop <= config.act_bytes for r in regions)
        assert not any(a.overlaps(b) for a, b in itertools.combinations(regions, 2))


@settings(deadline=None)
@given(builders(most_ops=6), CONFIG_NAMES)
def test_tensors_in_memory_have_bytes_of_their_own(builder: Builder, config_name: str) -> None:
    config = CONFIGS[config_name]
    graph = place_parts(builder.graph(), config)
    assume(not any(reason(op, graph.tensors, config) for op in graph.ops))
    plan = plan_sram(graph, config)
    sizes = {
        Window.INPUTS: plan.input_bytes,
        Window.OUTPUTS: plan.output_bytes,
        Window.SCRATCH: plan.scratch_bytes,
    }
    taken: dict[Window, list[Region]] = {window: [] for window in sizes}
    for name, place in plan.places.items():
        whole = plan.places[ir.whole_of(name, graph.tensors)]
        if place is not whole:
            assert _inside(place, whole)
            continue
        assert place.resident is not None or place.memory is not None
        if place.memory is not None:
            assert place.memory.offset % 64 == 0
            taken[place.memory.window].append(Region(place.memory.offset, place.layout.size))
    for window, regions in taken.items():
        assert all(region.stop <= sizes[window] for region in regions)
        assert not any(a.overlaps(b) for a, b in itertools.combinations(regions, 2))


def _inside(part: Place, whole: Place) -> bool:
    """Whether a part is where its whole is, on chip and in memory."""
    if (part.resident is None, part.memory is None) != (whole.resident is None, not whole.memory):
        return False
    if part.resident and whole.resident:
        return (
            whole.resident.start
            <= part.resident.start
            <= part.resident.stop
            <= (whole.resident.stop)
        )
    assert part.memory is not None
    assert whole.memory is not None
    first = part.memory.offset - whole.memory.offset
    return 0 <= first <= first + part.layout.span <= whole.layout.size


def chain(config: AccelConfig, side: int = 32) -> tuple[ir.Graph, Plan]:
    """Three convolutions of side x side x 16."""
    builder = Builder()
    x = builder.input((1, side, side, 16))
    for _ in range(3):
        x = builder.conv(x, 16, SAME3)
    return builder.graph(), plan_sram(builder.graph(), config)


def test_everything_stays_on_chip_where_it_fits() -> None:
    _, plan = chain(DEFAULT)
    assert plan.slabs == (None, None, None)
    assert plan.scratch_bytes == 0
    assert {name for name, place in plan.places.items() if place.memory} == {"in0", "t2"}


def test_space_of_dead_tensors_is_used_again() -> None:
    _, plan = chain(replace(DEFAULT, act_kib=32))  # two tensors of 16 KiB at a time
    assert plan.slabs == (None, None, None)
    assert plan.places["in0"].resident == plan.places["t1"].resident


def test_a_chain_larger_than_the_sram_goes_through_scratch_in_bands() -> None:
    _, plan = chain(CRAMPED)
    assert all(slab is not None for slab in plan.slabs)
    assert plan.scratch_bytes == 2 * 32 * 32 * 16
    assert plan.places["t0"].memory == Memory(Window.SCRATCH, 0)


def test_bands_are_double_buffered_where_two_sets_fit() -> None:
    _, plan = chain(replace(DEFAULT, act_kib=16))
    for slab in filter(None, plan.slabs):
        assert slab.held_buffers == slab.part_buffers == 2
    assert any(plan.slabs)


def test_large_weights_are_loaded_once() -> None:
    """1.2 MB of weights: the whole 14x14 image at once, its output channels in parts."""
    builder = Builder()
    residual = builder.input((1, 14, 14, 1024))
    builder.conv(builder.input((1, 14, 14, 256)), 1024, residual=residual)
    (slab,) = plan_sram(builder.graph(), DEFAULT).slabs
    assert slab is not None
    assert slab.rows == 14
    assert slab.blocks is not None
    assert slab.part_buffers == 2


def test_residency_follows_the_estimate() -> None:
    """Keeping the largest tensor on chip would cut the next convolution into many bands."""
    builder = Builder()
    x = builder.input((1, 28, 28, 128))
    short = builder.conv(x, 256, ir.Window2d((1, 1), (2, 2)))
    main = builder.conv(x, 256, ir.Window2d((3, 3), (2, 2), (1, 1, 1, 1)))
    builder.conv(main, 256, ir.Window2d((3, 3), padding=(1, 1, 1, 1)), residual=short)
    plan = plan_sram(builder.graph(), DEFAULT)
    assert all(slab is None or slab.rows == 14 for slab in plan.slabs[1:])


@pytest.mark.parametrize("kind", list(ir.PoolKind))
def test_pooling_falls_back_to_some_channel_blocks(kind: ir.PoolKind) -> None:
    """Two input rows of all 40 blocks take 20 KiB; the output (5 KiB) stays on chip."""
    builder = Builder()
    builder.pool(builder.input((1, 2, 16, 640)), kind, ir.Window2d((2, 2), (2, 2)))
    (slab,) = plan_sram(builder.graph(), CRAMPED).slabs
    assert slab is not None
    assert slab.rows == 1
    assert slab.blocks is not None
    assert slab.blocks < 40
