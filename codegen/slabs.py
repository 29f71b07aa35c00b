# SPDX-License-Identifier: Apache-2.0
"""Cut an op that touches tensors in memory into bands of rows and parts of channels.

Weights that do not stay in their SRAM are loaded again for every band, so few tall bands are good;
a tall band of all channels needs much room, so its outputs leave in parts. The cut that an estimate
of cycles likes best is taken: the units work side by side, so the busiest one counts most.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from accel.config import AccelConfig
from accel.layout import round_up
from codegen import ir
from codegen.bands import Bands, bands, layout_of, window
from codegen.feed import DENSE, feed
from codegen.fits import band_bytes, least_blocks, matmul_passes
from codegen.geometry import pixel_tiles, split_evenly
from codegen.plan import Region, Slabs
from codegen.weights import grouping

ALIGN = 64
"""Alignment of band buffers, bytes: the widest bus."""
COMMAND_CYCLES = 16
"""What another command costs, about."""
IDLE_SHARE = 8
"""A unit's cycle behind the busiest unit still counts 1 / IDLE_SHARE: less traffic is better."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A cut, and the cycles that it is thought to take."""

    slabs: Slabs
    cycles: float


def cut(
    op: ir.Op,
    tensors: Mapping[str, ir.Tensor],
    config: AccelConfig,
    streamed: set[str],
    gap: Region,
) -> Cut | None:
    """The best cut of `op` whose buffers fit `gap`; None if there is none.

    Args:
        op: any op of the graph.
        tensors: tensors of the graph.
        config: the hardware.
        streamed: names of the tensors that live in memory.
        gap: free activation SRAM.
    """
    geometry = bands(op, tensors)
    used = touched(op) & streamed
    if used:
        candidates = _candidates(op, geometry, tensors, config, used, gap)
    else:
        candidates = iter([Slabs(geometry.image_rows, None, 1, 1, 0, 0, gap.start)])
    cuts = [Cut(s, _cycles(op, geometry, tensors, config, used, s)) for s in candidates]
    return min(cuts, key=lambda c: c.cycles, default=None)


def touched(op: ir.Op) -> set[str]:
    """Tensors that an op reads or writes in the activation SRAM."""
    return {op.output, *ir.reads(op)} - {ir.weights_of(op)}


def _candidates(
    op: ir.Op,
    geometry: Bands,
    tensors: Mapping[str, ir.Tensor],
    config: AccelConfig,
    used: set[str],
    gap: Region,
) -> Iterator[Slabs]:
    """Cuts that fit, with as much double buffering as there is room for."""
    blocks = layout_of(op.output, tensors, config).blocks
    unit = least_blocks(op, config)
    for rows in _sizes(geometry.image_rows):
        single = geometry.images == 1 and rows == geometry.image_rows
        for units in _sizes(blocks // unit):
            part = None if units * unit >= blocks else units * unit
            need = band_bytes(op, tensors, config, rows, used, part)
            held, size = round_up(need.held, ALIGN), round_up(need.part, ALIGN)
            for held_sets, part_sets in ((2, 2), (1, 2), (1, 1)):
                if held_sets * held + part_sets * size <= gap.size // ALIGN * ALIGN:
                    sets = 1 if single else held_sets, 1 if single and part is None else part_sets
                    yield Slabs(rows, part, *sets, held, size, gap.start)
                    break


def _sizes(total: int) -> list[int]:
    """Sizes of the pieces when `total` is cut into 1, 2, 3 ... pieces, the largest first."""
    return sorted({-(-total // pieces) for pieces in range(1, total + 1)}, reverse=True)


def _cycles(
    op: ir.Op,
    geometry: Bands,
    tensors: Mapping[str, ir.Tensor],
    config: AccelConfig,
    used: set[str],
    slabs: Slabs,
) -> float:
    """Estimate of the cycles that `op` takes with this cut."""
    row_bands = split_evenly(geometry.image_rows, slabs.rows)
    bands_total = geometry.images * len(row_bands)
    blocks = layout_of(op.output, tensors, config).blocks
    parts = len(split_evenly(blocks, slabs.blocks or blocks, least_blocks(op, config)))
    loads = stores = 0
    for operand in geometry.operands:
        if operand.tensor in used:
            layout = layout_of(operand.tensor, tensors, config)
            rows = [geometry.most_input_rows(operand.reach, n) for _, n in row_bands]
            loads += geometry.images * sum(rows) * layout.pitch * layout.blocks
    if op.output in used:
        layout = layout_of(op.output, tensors, config)
        stores = layout.blocks * layout.rows * layout.pitch
    compute, weights = _work(op, geometry, row_bands, tensors, config)
    passes = 1 if weights <= config.weight_bytes else bands_total
    load_cycles = (loads + passes * weights) / config.bus_bytes
    store_cycles = stores / config.bus_bytes
    work = geometry.images * compute
    units = (work, load_cycles, store_cycles)
    alternating = bands_total > 1 and slabs.held_buffers == 1 and slabs.held_bytes > 0
    serial = bands_total * parts > 1 and slabs.part_buffers == 1
    busiest = sum(units) if alternating or serial else max(units)
    return busiest + sum(units) / IDLE_SHARE + COMMAND_CYCLES * bands_total * parts


def _work(
    op: ir.Op,
    geometry: Bands,
    row_bands: list[tuple[int, int]],
    tensors: Mapping[str, ir.Tensor],
    config: AccelConfig,
) -> tuple[int, int]:
    """(cycles of the array or the vector unit for one image, bytes of weights)."""
    if isinstance(op, ir.Mosaic):
        patches = [
            _work(p.op, g, [(0, p.size[0])], ir.patch_tensors(p, tensors), config)
            for p, g in geometry.patches
        ]
        return sum(cycles for cycles, _ in patches), sum(size for _, size in patches)
    layout = layout_of(op.output, tensors, config)
    if isinstance(op, ir.MatMul):
        passes = matmul_passes(op, tensors, config)
        return passes * geometry.image_rows, passes * geometry.images * config.weight_tile_bytes
    if not isinstance(op, ir.Conv):
        kernel = window(op).kernel
        taps = kernel[0] * kernel[1]
        return geometry.image_rows * geometry.width * layout.blocks * taps, 0
    _, kernel_h, kernel_w, _ = op.weight.shape
    found = feed(op, tensors, config)
    dense = kernel_h * kernel_w * grouping(op, config).blocks
    passes = (dense if found == DENSE else found.passes) * layout.blocks // config.words_per_vector
    most = min(config.tile_pixels, geometry.tallest * geometry.width)
    cycles = 0
    for band in row_bands:
        tiles = pixel_tiles(band, geometry.width, most, config.k_lanes)
        cycles += passes * sum(max(tile.h * tile.w, config.k_lanes) for tile in tiles)
    return cycles, passes * config.weight_tile_bytes
