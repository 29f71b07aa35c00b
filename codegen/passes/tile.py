# SPDX-License-Identifier: Apache-2.0
"""Turn ops into commands: bands of rows, tiles of pixels, chunks of weights.

Before: a graph and its memory plan. After: steps that are correct when executed one after the other
(no tokens yet), each load placed directly before its first use, and the constants they load.

    conv0  ->  LOAD rows 0..7; LOAD weights; CONV rows 0..3; CONV rows 4..7; STORE rows 0..7
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from accel.config import AccelConfig
from accel.program import Window
from codegen import ir
from codegen.bands import Bands, Reach, bands
from codegen.fits import least_blocks
from codegen.geometry import split_evenly
from codegen.passes.tile_conv import conv_band, load_first_weights, pack_conv
from codegen.passes.tile_matmul import MatMulPlan, matmul_band
from codegen.passes.tile_mosaic import mosaic_band, pack_mosaic
from codegen.passes.tile_vector import element_band, pool_band
from codegen.plan import Place, Plan, Slabs
from codegen.recipe import DEFAULT, Recipe
from codegen.slabs import touched
from codegen.stream import Band, Step, Stream, View


@dataclass(frozen=True, slots=True)
class Tiled:
    """The serial command stream."""

    steps: tuple[Step, ...]
    constants: bytes


def tile(graph: ir.Graph, plan: Plan, config: AccelConfig, recipe: Recipe = DEFAULT) -> Tiled:
    """Emit the commands of every op."""
    stream = Stream(config, recipe)
    loaded: set[str] = set()
    for layer, op in enumerate(graph.ops):
        stream.layer = layer
        geometry = bands(op, graph.tensors)
        emit = _emitter(stream, op, geometry, graph, plan)
        _load_residents(stream, op, graph.tensors, plan, loaded)
        for band in _cut(stream, op, geometry, plan, plan.slabs[layer]):
            emit(band)
            _store(stream, band, plan.places[op.output])
    return Tiled(tuple(stream.steps), bytes(stream.constants))


def _emitter(
    stream: Stream, op: ir.Op, geometry: Bands, graph: ir.Graph, plan: Plan
) -> Callable[[Band], None]:
    """The function that emits the commands of one band of `op`; its first weights come first."""
    match op:
        case ir.Conv():
            conv = pack_conv(op, graph.tensors, stream.config)
            slabs = plan.slabs[stream.layer]
            if slabs is not None:  # all bands use the weights: keep them from wrapping round
                stream.weights.make_room(conv.weights.size)
            rows, blocks = _parts_of(stream, op, geometry, plan, slabs)
            load_first_weights(stream, conv, geometry, rows[0], blocks[0])
            return lambda band: conv_band(stream, conv, geometry, band)
        case ir.MatMul():
            product = MatMulPlan(op, graph.tensors, plan.places[op.b], stream.config)
            return lambda band: matmul_band(stream, product, geometry, band)
        case ir.Mosaic():
            mosaic = pack_mosaic(op, graph.tensors, stream.config)
            if plan.slabs[stream.layer] is not None:
                stream.weights.make_room(mosaic.weight_bytes)
            return lambda band: mosaic_band(stream, mosaic, geometry, band)
        case ir.Pool():
            return lambda band: pool_band(stream, op, geometry, band)
        case ir.Add() | ir.Mul():
            return lambda band: element_band(stream, op, geometry, band)


def _in_memory(place: Place) -> View:
    layout = place.layout
    return View(0, 0, layout.plane, layout.pitch, layout.k)


def _on_chip(place: Place, block: int) -> View:
    assert place.resident is not None
    layout = place.layout
    address = place.resident.start + block * layout.plane
    return View(address, 0, layout.plane, layout.pitch, layout.k)


def _load_residents(
    stream: Stream, op: ir.Op, tensors: Mapping[str, ir.Tensor], plan: Plan, loaded: set[str]
) -> None:
    """Load graph inputs that stay on chip, at their first use."""
    for name in sorted({ir.whole_of(name, tensors) for name in touched(op) - {op.output}}):
        place = plan.places[name]
        if place.resident is None or place.memory is None or name in loaded:
            continue
        if place.memory.window is Window.INPUTS:
            loaded.add(name)
            everything = (0, place.layout.rows), (0, place.layout.blocks)
            stream.load(place.memory, _in_memory(place), _on_chip(place, 0), *everything)


def _cut(
    stream: Stream, op: ir.Op, geometry: Bands, plan: Plan, slabs: Slabs | None
) -> Iterator[Band]:
    """Cut an op into bands and parts; loads what lives in memory, places the output's buffer."""
    bands_of_rows, parts = _parts_of(stream, op, geometry, plan, slabs)
    slabs = slabs or Slabs(geometry.image_rows, None, 1, 1, 0, 0, 0)
    band_turn = part_turn = 0
    for image in range(geometry.images):
        base = image * geometry.image_rows
        for first, count in bands_of_rows:
            rows = base + first, count
            held = _held(stream, op, geometry, plan, rows, slabs, band_turn)
            for part in parts:
                yield _part(stream, op, geometry, plan, rows, part, held, _parts(slabs, part_turn))
                part_turn += 1
            band_turn += 1


def _parts_of(
    stream: Stream, op: ir.Op, geometry: Bands, plan: Plan, slabs: Slabs | None
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Bands of rows of an image, and parts of the channel blocks: each (first, count)."""
    blocks, rows = plan.places[op.output].layout.blocks, geometry.image_rows
    unit = least_blocks(op, stream.config)
    if slabs is None:
        return [(0, rows)], [(0, blocks)]
    return split_evenly(rows, slabs.rows), split_evenly(blocks, slabs.blocks or blocks, unit)


class _Buffers:
    """Hands out the buffers of one set."""

    def __init__(self, start: int) -> None:
        self._start = start

    def take(self, size: int) -> int:
        """Next buffer."""
        start = self._start
        self._start += size
        return start


def _parts(slabs: Slabs, turn: int) -> _Buffers:
    """The set of buffers for part number `turn`."""
    first = slabs.start + slabs.held_buffers * slabs.held_bytes
    return _Buffers(first + turn % slabs.part_buffers * slabs.part_bytes)


def _held(
    stream: Stream,
    op: ir.Op,
    geometry: Bands,
    plan: Plan,
    rows: tuple[int, int],
    slabs: Slabs,
    turn: int,
) -> View | None:
    """The input of a convolution or product, for all parts of a band."""
    if not ir.holds_input(op):
        return None
    place, need = plan.places[ir.reads(op)[0]], geometry.input_rows(Reach.WINDOW, *rows)
    buffers = _Buffers(slabs.start + turn % slabs.held_buffers * slabs.held_bytes)
    room = geometry.most_input_rows(Reach.WINDOW, rows[1])
    everything = 0, place.layout.blocks
    return _input(stream, place, need, everything, buffers, room)


def _part(
    stream: Stream,
    op: ir.Op,
    geometry: Bands,
    plan: Plan,
    rows: tuple[int, int],
    blocks: tuple[int, int],
    held: View | None,
    buffers: _Buffers,
) -> Band:
    inputs = [held] if held is not None else []
    for operand in geometry.operands[len(inputs) :]:
        need = geometry.input_rows(operand.reach, *rows)
        room = geometry.most_input_rows(operand.reach, rows[1])
        place = plan.places[operand.tensor]
        inputs.append(_input(stream, place, need, blocks, buffers, room))
    place = plan.places[op.output]
    if place.resident is not None:
        output = _on_chip(place, blocks[0])
    else:
        output = _buffer(place, rows, blocks, buffers, rows[1])
    return Band(rows, blocks, tuple(inputs), output)


def _buffer(
    place: Place,
    rows: tuple[int, int],
    blocks: tuple[int, int],
    buffers: _Buffers,
    room: int,
) -> View:
    """A band buffer for `rows`, taken out of space for `room` rows."""
    layout = place.layout
    address = buffers.take(blocks[1] * room * layout.pitch)
    return View(address, rows[0], rows[1] * layout.pitch, layout.pitch, layout.k)


def _input(
    stream: Stream,
    place: Place,
    rows: tuple[int, int],
    blocks: tuple[int, int],
    buffers: _Buffers,
    room: int,
) -> View:
    """View of input rows; loads them into a band buffer when they live in memory."""
    if place.resident is not None:
        return _on_chip(place, blocks[0])
    assert place.memory is not None
    view = _buffer(place, rows, blocks, buffers, room)
    stream.load(place.memory, _in_memory(place), view, rows, blocks)
    return view


def _store(stream: Stream, band: Band, place: Place) -> None:
    """Write a band of the output to memory where it has a copy there."""
    if place.memory is not None:
        stream.store(place.memory, _in_memory(place), band.output, band.rows, band.blocks)
