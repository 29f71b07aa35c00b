# SPDX-License-Identifier: Apache-2.0
"""Decide which tensors stay on chip, and where; give the others a place in memory.

Before: a graph whose every op fits at its smallest tile (codegen/fits.py).
After: tensors alive at the same time do not overlap in the activation SRAM, and each op that
touches a tensor in memory has a region for its band buffers.

    conv0: input in memory 0x0000, bands of 8 rows in [0x0000, 0x8000)  ->  a resident at 0x8000

Parts of a tensor go where it goes: only whole ones are placed.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

from accel.config import AccelConfig
from accel.errors import PlanError
from accel.layout import Layout, round_up
from accel.program import Window
from codegen import ir
from codegen.bands import layout_of
from codegen.plan import Memory, Place, Plan, Region
from codegen.slabs import Cut, cut, touched

ROUNDS = 4
"""How often every tensor may change sides; two or three are enough in practice."""


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

    First every tensor stays on chip that can; then tensors change sides, the largest first, as
    long as that lowers the estimated cycles of the whole graph.

    Raises:
        PlanError: an op has no room even with all tensors in memory.
    """
    planner = _Planner(graph, config)
    best = planner.most_on_chip()
    names = sorted(planner.layouts, key=lambda n: (-planner.layouts[n].size, n))
    for _ in range(ROUNDS):
        before = best.cycles
        for name in names:
            other = planner.draft(best.resident ^ {name})
            if other is not None and other.cycles < best.cycles:
                best = other
        if best.cycles == before:
            break
    return _finish(planner, best)


@dataclass(frozen=True, slots=True)
class _Draft:
    """A choice of tensors to keep on chip, with what follows from it."""

    resident: frozenset[str]
    placed: dict[str, Region]
    cuts: tuple[Cut, ...]

    @property
    def cycles(self) -> float:
        """Estimate for the whole graph."""
        return sum(cut.cycles for cut in self.cuts)


class _Planner:
    """Works out drafts; remembers cuts, as most ops are the same in most drafts."""

    def __init__(self, graph: ir.Graph, config: AccelConfig) -> None:
        self.graph, self.config = graph, config
        self.wholes = {name: ir.whole_of(name, graph.tensors) for name in graph.tensors}
        self.lifetimes = _lifetimes(graph, self.wholes)
        self.layouts = {name: layout_of(name, graph.tensors, config) for name in self.lifetimes}
        self._cuts: dict[tuple[int, frozenset[str], Region], Cut | None] = {}

    def most_on_chip(self) -> _Draft:
        """Keep what fits; where an op then has no room for its buffers, the largest goes."""
        resident = set(self.layouts)
        while True:
            placed, homeless = _pack(resident, self.layouts, self.lifetimes, self.config.act_bytes)
            if homeless is not None:
                resident.remove(homeless)
                continue
            cuts = self._all_cuts(resident, placed)
            if None not in cuts:
                return _Draft(frozenset(resident), placed, tuple(filter(None, cuts)))
            index = cuts.index(None)
            op = self.graph.ops[index]
            resident.remove(_victim(op, index, resident, self.layouts, self.lifetimes))

    def streamed(self, op: ir.Op, resident: Set[str]) -> set[str]:
        """Tensors in memory that an op touches."""
        return {name for name in touched(op) if self.wholes[name] not in resident}

    def draft(self, resident: frozenset[str]) -> _Draft | None:
        """The draft with exactly these tensors on chip; None if there is no room for it."""
        placed, homeless = _pack(set(resident), self.layouts, self.lifetimes, self.config.act_bytes)
        if homeless is not None:
            return None
        cuts = self._all_cuts(resident, placed)
        return None if None in cuts else _Draft(resident, placed, tuple(filter(None, cuts)))

    def _all_cuts(self, resident: Set[str], placed: Mapping[str, Region]) -> list[Cut | None]:
        return [self._cut(index, resident, placed) for index in range(len(self.graph.ops))]

    def _cut(self, index: int, resident: Set[str], placed: Mapping[str, Region]) -> Cut | None:
        op = self.graph.ops[index]
        alive = [r for name, r in placed.items() if _alive(self.lifetimes[name], index)]
        streamed = self.streamed(op, resident)
        key = index, frozenset(streamed), _largest_gap(alive, self.config.act_bytes)
        if key not in self._cuts:
            self._cuts[key] = cut(op, self.graph.tensors, self.config, streamed, key[2])
        return self._cuts[key]


def _lifetimes(graph: ir.Graph, wholes: Mapping[str, str]) -> dict[str, Lifetime]:
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for index, op in enumerate(graph.ops):
        for name in (wholes[n] for n in (op.output, *ir.reads(op))):
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


def _finish(planner: _Planner, draft: _Draft) -> Plan:
    """Give memory offsets to graph inputs, graph outputs and tensors that are not resident."""
    graph, config = planner.graph, planner.config
    windows = {port.tensor: Window.INPUTS for port in graph.inputs}
    windows |= {port.tensor: Window.OUTPUTS for port in graph.outputs}
    read = filter(None, (ir.weights_of(op) for op in graph.ops))
    as_weights = {planner.wholes[name] for name in read}
    sizes = dict.fromkeys(Window, 0)
    places: dict[str, Place] = {}
    for name, layout in planner.layouts.items():
        window = windows.get(name, Window.SCRATCH)
        memory = None
        if window is not Window.SCRATCH or name not in draft.resident or name in as_weights:
            memory = Memory(window, sizes[window])
            sizes[window] += round_up(layout.size, max(64, config.bus_bytes))
        places[name] = Place(layout, draft.placed.get(name), memory)
    for name in graph.tensors:
        if planner.wholes[name] in places:
            places[name] = _place(name, places, graph.tensors, config)
    return Plan(
        places,
        tuple(
            found.slabs if planner.streamed(op, draft.resident) else None
            for op, found in zip(graph.ops, draft.cuts, strict=True)
        ),
        scratch_bytes=sizes[Window.SCRATCH],
        input_bytes=sizes[Window.INPUTS],
        output_bytes=sizes[Window.OUTPUTS],
    )


def _place(
    name: str,
    places: Mapping[str, Place],
    tensors: Mapping[str, ir.Tensor],
    config: AccelConfig,
) -> Place:
    """Where a tensor is, given where whole ones are."""
    part = tensors[name].part
    if part is None:
        return places[name]
    whole, layout = _place(part.whole, places, tensors, config), layout_of(name, tensors, config)
    offset = part.channel // config.k_lanes * layout.plane + part.row * layout.pitch
    resident, memory = whole.resident, whole.memory
    return Place(
        layout,
        resident and Region(resident.start + offset, layout.span),
        memory and Memory(memory.window, memory.offset + offset),
    )
