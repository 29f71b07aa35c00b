# SPDX-License-Identifier: Apache-2.0
"""Does offloading a region pay? Predicted time on the accelerator against time on the host.

A region is what the accelerator could take at most, so it can only shrink: first ops at its border
go where the host is faster with them than the accelerator is by them, then the whole region goes
unless the rest of it pays. What the host does at the borders in either case (quantize, dequantize)
counts on neither side, nor do the driver's copies between host layout and device layout.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from accel.config import AccelConfig
from accel.program import Program
from codegen import ir
from codegen.cost import Bus, estimate
from codegen.decision import Decision
from codegen.passes.compose_tables import compose_tables
from codegen.passes.fuse_output_stage import fuse_output_stage
from codegen.pipeline import lower
from codegen.recipe import Recipe
from codegen.refusal import Refusal, rule_of
from codegen.subgraph import border, members, without

INVOCATION_US = 10.0
"""What starting a program and taking its interrupt costs beside its cycles: a system call or two,
cache maintenance, CSR writes. An assumption, not measured: there is no board."""
DEFAULT_CLOCK_MHZ = 500.0


@dataclass(frozen=True, slots=True)
class Clocked:
    """The accelerator in time."""

    config: AccelConfig
    mhz: float = DEFAULT_CLOCK_MHZ
    bus: Bus = field(default_factory=Bus)
    invocation_us: float = INVOCATION_US

    def us(self, cycles: int) -> float:
        """Microseconds of so many cycles."""
        return cycles / self.mhz


@dataclass(frozen=True, slots=True)
class Weighed:
    """What became of a region."""

    decisions: tuple[Decision, ...]
    """About its border first, about the rest of it last."""
    excluded: dict[str, Refusal]
    """Variables whose ops go to the host -> why."""


def offloading_pays(host_us: float, cycles: int, of: Clocked) -> str:
    """With --partition cost: the accelerator is faster than the host, its invocation included.

    Remedy: offload it anyway with --partition all.
    """
    us = of.us(cycles) + of.invocation_us
    if us < host_us:
        return ""
    plus = f" + {of.invocation_us:g} us for an invocation" if of.invocation_us else ""
    return (
        f"{host_us:.1f} us on the host, {us:.1f} us on the accelerator ({cycles:,} cycles at "
        f"{of.mhz:g} MHz{plus})"
    )


COST_RULES = (offloading_pays,)


def weigh(
    graph: ir.Graph, program: Program, host_us: Mapping[str, float], of: Clocked, recipe: Recipe
) -> Weighed:
    """Decide about a region.

    Args:
        graph: of the region.
        program: what it compiles to.
        host_us: time of its ops on the host, by the Relax variable that they compute; also of those
            that make no op of the graph.
        of: the accelerator.
        recipe: how its work is cut.
    """
    whole = cycles = estimate(program, of.config, of.bus).cycles
    left = dict(host_us)
    fused = graph
    if not graph.moves:  # of what is joined or taken no part is weighed on its own
        fused = fuse_output_stage(compose_tables(graph, of.config), of.config)
    parts = members(graph, fused)
    running = replace(of, invocation_us=0.0)  # the region is invoked in any case
    decisions: list[Decision] = []
    excluded: dict[str, Refusal] = {}
    kept: set[str] = set()
    while (op := _next(fused, parts, left, of, kept)) is not None:
        kept.add(op.name)
        smaller = without(fused, op)
        fewer = estimate(lower(smaller, of.config, recipe), of.config, of.bus).cycles
        variables = [part.source.variable for part in parts[op.name]]
        time, saved = sum(left[v] for v in variables), cycles - fewer
        pays = not offloading_pays(time, saved, running)
        decisions.append(_decision(graph, [op], time, saved, running, offloaded=pays))
        if not pays:
            fused, cycles = smaller, fewer
            excluded |= _refuse(variables, time, saved, running)
            for variable in variables:
                del left[variable]
    if offloading_pays(sum(left.values()), cycles, of):
        # Then the whole region does not pay either: each op that went made the rest pay more.
        total = sum(host_us.values())
        refusals = _refuse(list(host_us), total, whole, of)
        return Weighed((_decision(graph, graph.ops, total, whole, of, offloaded=False),), refusals)
    decisions.append(_decision(graph, fused.ops, sum(left.values()), cycles, of, offloaded=True))
    return Weighed(tuple(decisions), excluded)


def _next(
    graph: ir.Graph,
    parts: Mapping[str, Sequence[ir.Op]],
    left: Mapping[str, float],
    of: Clocked,
    kept: set[str],
) -> ir.Op | None:
    """An op at the border that the host may do in less time than it takes here alone.

    That bounds what the region gets faster by, but for tensors at the new border that are smaller.
    """
    if len(graph.ops) < 2 or graph.moves:
        return None
    shared: dict[str, int] = {}
    for op in graph.ops:
        for part in parts[op.name]:
            shared[part.name] = shared.get(part.name, 0) + 1
    for op in border(graph):
        own = parts[op.name]
        movable = all(shared[p.name] == 1 and p.source.variable in left for p in own)
        if op.name not in kept and movable:
            alone = estimate(lower(_alone(graph, op), of.config), of.config, of.bus).cycles
            if sum(left[part.source.variable] for part in own) < of.us(alone):
                return op
            kept.add(op.name)
    return None


def _alone(graph: ir.Graph, op: ir.Op) -> ir.Graph:
    """The op as a region of its own."""

    def port(name: str) -> ir.Port:
        return ir.Port(name, graph.tensors[name].shape, (0, 1, 2, 3))

    names = (*dict.fromkeys(ir.reads(op)), op.output)
    tensors = {name: graph.tensors[name] for name in names}
    inputs = tuple(port(name) for name in names[:-1])
    return ir.Graph(graph.name, inputs, (port(op.output),), tensors, (op,))


def _decision(
    graph: ir.Graph,
    ops: Sequence[ir.Op],
    host_us: float,
    cycles: int,
    of: Clocked,
    *,
    offloaded: bool,
) -> Decision:
    made = [op.source.node for op in ops] + [move.node for move in graph.moves]
    names = dict.fromkeys(name for nodes in made for name in nodes.split("+"))
    what = ops[0].name if len(ops) == 1 else f"{len(ops)} ops"
    us = of.us(cycles) + of.invocation_us
    return Decision(graph.name, what, tuple(names), host_us, us, cycles, offloaded)


def _refuse(
    variables: Sequence[str], host_us: float, cycles: int, of: Clocked
) -> dict[str, Refusal]:
    """The remedy is the clock from which on it would pay."""
    remedy = "offload it anyway with --partition all"
    if cycles > 0 and host_us > of.invocation_us:
        remedy = f"it pays above --clock {cycles / (host_us - of.invocation_us):.0f}; or {remedy}"
    else:
        remedy = f"no clock makes it pay; {remedy}"
    detail = offloading_pays(host_us, cycles, of)
    return dict.fromkeys(variables, rule_of(offloading_pays).refuse(detail, remedy))
