# SPDX-License-Identifier: Apache-2.0
"""The stream under construction: views, the constant cache, cut transfers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accel.isa import Sram
from accel.program import Window
from codegen.plan import Memory
from codegen.stream import PIECE_BYTES, Ring, Stream, View
from tests.unit.codegen.graphs import DEFAULT

ROOMY = replace(DEFAULT, weight_kib=16)


def test_view_addresses_pixels() -> None:
    view = View(0x1000, first=4, plane=512, pitch=64, word=16)
    assert view.at(4, 0) == 0x1000
    assert view.at(6, 3, block=2) == 0x1000 + 2 * 512 + 2 * 64 + 3 * 16


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 40)), max_size=60))
def test_ring_never_holds_two_things_in_one_place(requests: list[tuple[int, int]]) -> None:
    ring, memory = Ring(100), [-1] * 100
    for key, size in requests:
        at = ring.find((key, size))
        if at is None:
            at = ring.reserve((key, size), size)
            memory[at : at + size] = [key] * size
        assert memory[at : at + size] == [key] * size
        assert all(memory[a:b] == [k[0]] * (b - a) for k, (a, b) in ring.held.items())


def test_ring_forgets_what_was_loaded_first() -> None:
    ring = Ring(100)
    assert [ring.reserve(key, 40) for key in "abc"] == [0, 40, 0]
    assert (ring.find("a"), ring.find("b"), ring.find("c")) == (None, 40, 0)


@pytest.mark.parametrize(("total", "position"), [(50, 0), (30, 60), (200, 60)])
def test_make_room_starts_over_only_where_it_helps(total: int, position: int) -> None:
    ring = Ring(100)
    ring.reserve("a", 60)
    ring.make_room(total)
    assert ring.position == position


def loads(stream: Stream) -> list[dict[str, int]]:
    assert {step.instruction.name for step in stream.steps} <= {"LOAD"}
    return [dict(step.instruction.values) for step in stream.steps]


def test_constants_are_loaded_once_while_they_stay() -> None:
    stream = Stream(ROOMY)
    data = np.arange(96, dtype=np.uint8)
    assert stream.constant(Sram.WEIGHT, "w", data) == stream.constant(Sram.WEIGHT, "w", data)
    (load,) = loads(stream)
    assert (load["window"], load["offset"], load["row_bytes"]) == (Window.CONSTANTS, 0, 96)
    assert bytes(stream.constants[:96]) == data.tobytes()


def test_an_evicted_constant_is_loaded_again_from_the_same_place() -> None:
    stream = Stream(ROOMY)
    halves = {key: np.full(8192, i, np.uint8) for i, key in enumerate("abc")}
    for key in "abca":
        stream.constant(Sram.WEIGHT, key, halves[key])
    assert [load["offset"] for load in loads(stream)] == [0, 8192, 16384, 0]
    assert len(stream.constants) == 3 * 8192


def test_layers_do_not_share_keys() -> None:
    stream = Stream(ROOMY)
    stream.constant(Sram.PARAM, "all", np.zeros(64, np.uint8))
    stream.layer = 1
    stream.constant(Sram.PARAM, "all", np.ones(64, np.uint8))
    assert [load["offset"] for load in loads(stream)] == [0, 64]


def test_a_large_transfer_is_cut_by_rows() -> None:
    stream = Stream(DEFAULT)
    memory = View(0, 0, plane=64 * 128, pitch=128, word=16)
    sram = View(0x400, first=8, plane=32 * 128, pitch=128, word=16)
    stream.load(Memory(Window.INPUTS, 0x10000), memory, sram, rows=(8, 32), blocks=(1, 2))
    parts = loads(stream)
    assert len(parts) == 32 * 128 * 2 // PIECE_BYTES
    for i, part in enumerate(parts):
        assert part["offset"] == 0x10000 + 64 * 128 + (8 + 8 * i) * 128
        assert part["sram_addr"] == 0x400 + 8 * i * 128
        assert (part["row_bytes"], part["rows"]) == (8 * 128, 2)
        assert (part["row_stride"], part["sram_row_stride"]) == (64 * 128, 32 * 128)


def test_a_small_transfer_is_one_command() -> None:
    stream = Stream(DEFAULT)
    view = View(0, 0, plane=256, pitch=64, word=16)
    stream.store(Memory(Window.OUTPUTS, 0), view, view, rows=(0, 4), blocks=(0, 1))
    assert [step.instruction.name for step in stream.steps] == ["STORE"]
