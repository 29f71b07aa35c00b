# SPDX-License-Identifier: Apache-2.0
"""The serial stream: what is loaded when, and where."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace

import pytest

from accel.config import AccelConfig
from accel.footprint import Span, footprint
from accel.isa import Sram
from accel.program import Window
from codegen import ir
from codegen.passes.plan_sram import plan_sram
from codegen.passes.tile import tile
from codegen.stream import Step
from tests.unit.codegen.graphs import DEFAULT, Builder

SAME3 = ir.Window2d((3, 3), padding=(1, 1, 1, 1))
SMALL_ACT = replace(DEFAULT, act_kib=16)


def steps(builder: Builder, config: AccelConfig) -> list[Step]:
    graph = builder.graph()
    return list(tile(graph, plan_sram(graph, config), config).steps)


def activation_loads(stream: list[Step]) -> list[dict[str, int]]:
    values = [dict(s.instruction.values) for s in stream if s.instruction.name == "LOAD"]
    return [v for v in values if v["sram"] == Sram.ACT]


def bands(stream: list[Step]) -> list[set[int]]:
    """Bytes of the activation SRAM that each band touches; a band ends with its store."""
    result: list[set[int]] = [set()]
    previous = ""
    for step in stream:
        if previous == "STORE" and step.instruction.name != "STORE":
            result.append(set())
        previous = step.instruction.name
        mark = footprint(step.instruction, DEFAULT)
        result[-1] |= act_bytes((*mark.reads, *mark.writes))
    return result


def act_bytes(spans: Iterable[Span]) -> set[int]:
    return {byte for s in spans if s.space is Sram.ACT for byte in range(s.start, s.stop)}


def one_layer(kind: str) -> Builder:
    """A layer of 32 KiB in and out."""
    builder = Builder()
    x = builder.input((1, 32, 32, 32))
    match kind:
        case "conv":
            builder.conv(x, 32, SAME3)
        case "pool":
            builder.pool(x, ir.PoolKind.MAX, SAME3)
        case "add":
            builder.add(x, x)
    return builder


@pytest.mark.parametrize("kind", ["conv", "pool", "add"])
def test_neighbouring_bands_share_no_buffer(kind: str) -> None:
    """So the next band loads while this one computes."""
    touched = bands(steps(one_layer(kind), SMALL_ACT))
    assert len(touched) > 3
    assert all(a.isdisjoint(b) for a, b in itertools.pairwise(touched))
    assert touched[0] & touched[2]


def test_a_resident_input_is_loaded_once() -> None:
    builder = Builder()
    x = builder.input((1, 8, 8, 16))
    a = builder.conv(x, 16, SAME3)
    builder.add(builder.conv(a, 16, SAME3), x)
    (load,) = activation_loads(steps(builder, DEFAULT))
    assert (load["window"], load["row_bytes"]) == (Window.INPUTS, 8 * 8 * 16)


def test_a_band_loads_the_rows_under_its_windows() -> None:
    stream = steps(one_layer("conv"), SMALL_ACT)
    rows = sum(load["row_bytes"] for load in activation_loads(stream)) // (32 * 16)
    cuts = len(bands(stream)) - 1
    assert rows == 32 + 2 * cuts  # a 3x3 window sees one row beyond either side of a cut


def test_weights_that_fit_are_loaded_once_for_all_bands() -> None:
    loads = [
        step.instruction.values["offset"]
        for step in steps(one_layer("conv"), SMALL_ACT)
        if step.instruction.name == "LOAD" and step.instruction.values["sram"] != Sram.ACT
    ]
    assert len(loads) == len(set(loads))


def test_a_weight_chunk_is_loaded_once_and_used_for_all_tiles() -> None:
    """Chunks are the outer loop: 18 KiB of weights come in pieces, each used by every tile."""
    builder = Builder()
    builder.conv(builder.input((1, 16, 16, 32)), 64, SAME3)
    convs = [s for s in steps(builder, DEFAULT) if s.instruction.name == "CONV"]
    order = [s.instruction.values["weight_addr"] for s in convs]
    assert len(set(order)) == 4
    assert order == sorted(order)
    assert order.count(order[0]) == 4


def test_first_weights_come_before_the_pixels() -> None:
    """A large input arrives in pieces: computing starts with the first one."""
    builder = Builder()
    builder.conv(builder.input((1, 32, 32, 64)), 64)
    loads = [
        step.instruction.values["sram"]
        for step in steps(builder, DEFAULT)
        if step.instruction.name == "LOAD"
    ]
    assert loads.index(Sram.WEIGHT) < loads.index(Sram.ACT)
    assert loads.index(Sram.PARAM) < loads.index(Sram.ACT)
