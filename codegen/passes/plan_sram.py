# SPDX-License-Identifier: Apache-2.0
"""Decide which tensors stay on chip, and where; give the others a place in memory.

Before: a graph whose every op fits at its smallest tile (codegen/fits.py).
After: tensors alive at the same time do not overlap in the activation SRAM, and each op that
touches a tensor in memory has a region for its band buffers.

    conv0: input in memory 0x0000, bands of 8 rows in [0x0000, 0x8000)  ->  a resident at 0x8000
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from accel.config import AccelConfig
from accel.errors import PlanError
from accel.layout import Layout, round_up
from accel.program import Window
from codegen import ir
from codegen.bands import bands, layout_of, operands
from codegen.fits import band_bytes
from codegen.plan import Memory, Place, Plan, Region, Slabs


@dataclass(frozen=True, slots=True)
class Lifetime:
    """Ops during which a tensor must stay."""

    first: int
    last: int

    def overlaps(self, other: Lifetime) -> bool:
        """Whether some op needs both."""
        return self.first <= other.last and other.first <= self.last


def plan_sram(graph: ir.Graph, config: AccelConfig) -> Plan:
    """Place all tensors of `graph`.

    Raises:
        PlanError: an op has no room even with all tensors in memory.
    """
    lifetimes = _lifetimes(graph)
    layouts = {name: layout_of(name, graph.tensors, config) for name in lifetimes}
    resident = set(layouts)
    while True:
        placed, homeless = _pack(resident, layouts, lifetimes, config.act_bytes)
        if homeless is not None:
            resident.remove(homeless)
            continue
        slabs: list[Slabs | None] = []
        for index, op in enumerate(graph.ops):
            alive = [r for name, r in placed.items() if _alive(lifetimes[name], index)]
            slab = _cut(op, graph, config, set(layouts) - resident, alive)
            if slab is None:
                resident.remove(_victim(op, index, resident, layouts, lifetimes))
                break
            slabs.append(None if slab.region.size == 0 else slab)
        else:
            return _finish(graph, layouts, placed, tuple(slabs), config)


def _lifetimes(graph: ir.Graph) -> dict[str, Lifetime]:
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for index, op in enumerate(graph.ops):
        for name in (op.output, *(operand.tensor for operand in operands(op))):
            first.setdefault(name, index)
            last[name] = index
    return {name: Lifetime(first[name], last[name]) for name in first}


def _alive(lifetime: Lifetime, index: int) -> bool:
    return lifetime.first <= index <= lifetime.last


def _pack(
    names: set[str],
    layouts: Mapping[str, Layout],
    lifetimes: Mapping[str, Lifetime],
    size: int,
) -> tuple[dict[str, Region], str | None]:
    """First fit, largest first; returns the tensor that found no room, if any."""
    placed: dict[str, Region] = {}
    for name in sorted(names, key=lambda n: (-layouts[n].size, lifetimes[n].first, n)):
        others = [placed[o] for o in placed if lifetimes[o].overlaps(lifetimes[name])]
        region = _first_gap(others, layouts[name].size, size)
        if region is None:
            return placed, name
        placed[name] = region
    return placed, None


def _first_gap(taken: list[Region], need: int, size: int) -> Region | None:
    start = 0
    for region in sorted(taken, key=lambda r: r.start):
        if region.start - start >= need:
            break
        start = max(start, region.stop)
    return Region(start, need) if start + need <= size else None


def _largest_gap(taken: list[Region], size: int) -> Region:
    best, start = Region(0, 0), 0
    for region in [*sorted(taken, key=lambda r: r.start), Region(size, 0)]:
        if region.start - start > best.size:
            best = Region(start, region.start - start)
        start = max(start, region.stop)
    return best


def _cut(
    op: ir.Op,
    graph: ir.Graph,
    config: AccelConfig,
    streamed: set[str],
    alive: list[Region],
) -> Slabs | None:
    """Cut an op into the tallest bands whose buffers fit the largest gap."""
    used = {op.output, *(operand.tensor for operand in operands(op))} & streamed
    geometry = bands(op, graph.tensors)
    if not used:
        return Slabs(geometry.image_rows, None, 1, Region(0, 0))
    gap = _largest_gap(alive, config.act_bytes)
    total = geometry.image_rows
    single = geometry.images == 1
    for pieces in range(1, total + 1):
        rows = -(-total // pieces)
        buffers = 1 if single and rows == total else 2
        if buffers * band_bytes(op, graph.tensors, config, rows, used) <= gap.size:
            return Slabs(rows, None, buffers, gap)
    if band_bytes(op, graph.tensors, config, 1, used) <= gap.size:
        return Slabs(1, None, 1, gap)
    if not isinstance(op, ir.Conv):
        each = band_bytes(op, graph.tensors, config, 1, used, 1)
        if each <= gap.size:
            return Slabs(1, gap.size // each, 1, gap)
    return None


def _victim(
    op: ir.Op,
    index: int,
    resident: set[str],
    layouts: Mapping[str, Layout],
    lifetimes: Mapping[str, Lifetime],
) -> str:
    """The resident tensor to move to memory so that `op` gets room: the largest alive."""
    alive = [name for name in resident if _alive(lifetimes[name], index)]
    if not alive:
        raise PlanError(
            f"{op.name} (ONNX node {op.source.node}) does not fit the activation SRAM at its "
            "smallest tile; raise act_kib"
        )
    return max(alive, key=lambda name: (layouts[name].size, name))


def _finish(
    graph: ir.Graph,
    layouts: Mapping[str, Layout],
    placed: Mapping[str, Region],
    slabs: tuple[Slabs | None, ...],
    config: AccelConfig,
) -> Plan:
    """Give memory offsets to graph inputs, graph outputs and tensors that are not resident."""
    windows = {port.tensor: Window.INPUTS for port in graph.inputs}
    windows |= {port.tensor: Window.OUTPUTS for port in graph.outputs}
    sizes = dict.fromkeys(Window, 0)
    places: dict[str, Place] = {}
    for name, layout in layouts.items():
        window = windows.get(name, Window.SCRATCH)
        memory = None
        if window is not Window.SCRATCH or name not in placed:
            memory = Memory(window, sizes[window])
            sizes[window] += round_up(layout.size, max(64, config.bus_bytes))
        places[name] = Place(layout, placed.get(name), memory)
    return Plan(
        places,
        slabs,
        scratch_bytes=sizes[Window.SCRATCH],
        input_bytes=sizes[Window.INPUTS],
        output_bytes=sizes[Window.OUTPUTS],
    )
