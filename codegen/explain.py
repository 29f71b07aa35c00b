# SPDX-License-Identifier: Apache-2.0
"""Where every ONNX node ended up, and why."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from accel.program import Program
from codegen import ir
from codegen.absorbed import Absorption, absorbed
from codegen.decision import Decision
from codegen.frontend.dataflow import dataflow
from codegen.frontend.diagnose import diagnose
from codegen.frontend.float_rules import FLOAT_RULES, values_meet_the_form
from codegen.frontend.integerize import Notes
from codegen.frontend.onnx_import import Imported, node_indices
from codegen.partition.partition import Partitioned, host_variables
from codegen.refusal import Refusal, as_refusal, rule_of

FLOAT = frozenset(rule_of(rule).name for rule in FLOAT_RULES)
ACCELERATOR, HOST, ABSORBED = "accelerator", "host", "absorbed"


@dataclass(frozen=True, slots=True)
class Placement:
    """Commands that execute a node."""

    region: str
    op: str
    """Of the program."""
    first: int
    last: int
    """Ids of its first and last command; those of other ops may lie between them."""
    part: str
    """What the node is in that op: the op itself, or a part of its output stage."""
    fused_with: tuple[str, ...]
    """Other ONNX nodes that the same commands execute."""

    def __str__(self) -> str:
        fused = f", fused with {', '.join(self.fused_with)}" if self.fused_with else ""
        part = f" ({self.part})" if self.part else ""
        return f"{self.region} {self.op}{part}, commands {self.first} to {self.last}{fused}"


@dataclass(frozen=True, slots=True)
class NodeFate:
    """What became of one ONNX node."""

    node: str
    op: str
    where: str
    """accelerator; host; or absorbed: folded into other nodes or into constants."""
    why: str
    """Which commands execute it, what absorbed it, or why it stays on the host, as one text."""
    placements: tuple[Placement, ...] = ()
    """Where the accelerator executes it."""
    absorbed_into: tuple[str, ...] = ()
    """ONNX nodes whose execution includes it."""
    refusal: Refusal | None = None
    """Why it stays on the host."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The report of a compilation."""

    nodes: tuple[NodeFate, ...]
    offloaded_macs: int
    float_error_bound: float
    """Bound of the float path's error in output steps; below 0.5 the integer form is within 1
    LSB."""
    warnings: tuple[str, ...]
    decisions: tuple[Decision, ...] = ()
    """Of --partition cost: what was weighed against the host."""

    def to_json(self) -> str:
        """As a JSON document."""
        return json.dumps(asdict(self), indent=2) + "\n"


def explain(
    imported: Imported,
    notes: Notes,
    partitioned: Partitioned,
    graphs: Mapping[str, ir.Graph],
    programs: Mapping[str, Program],
    decisions: Sequence[Decision] = (),
) -> Explanation:
    """Say for every ONNX node where it runs and why."""
    placed = placements(graphs, programs)
    refused = _refusals(imported, notes, partitioned)
    hints = host_variables(partitioned.module) & {**partitioned.refusals, **notes.refused}.keys()
    partly = {index for hint in hints for index in node_indices(hint)} & refused.keys()
    names = imported.nodes
    elsewhere = {
        index for index, name in enumerate(names) if name not in placed and index not in refused
    }
    folded = absorbed(imported.model.graph, elsewhere)
    fates = []
    for index, node in enumerate(imported.model.graph.node):
        name = names[index]
        if name in placed and index not in partly:
            fates.append(_on_accelerator(name, node.op_type, placed[name]))
        elif index in refused:
            why = refused[index]
            fates.append(NodeFate(name, node.op_type, HOST, str(why), refusal=why))
        else:
            fates.append(_absorbed(name, node.op_type, folded[index], names))
    macs = sum(layer.macs for program in programs.values() for layer in program.layers)
    warnings = []
    if not programs:
        warnings.append("nothing can be offloaded: the whole model runs on the host")
    return Explanation(tuple(fates), macs, notes.float_error, tuple(warnings), tuple(decisions))


def _on_accelerator(name: str, op: str, found: Sequence[Placement]) -> NodeFate:
    return NodeFate(name, op, ACCELERATOR, "; ".join(map(str, found)), tuple(found))


def _absorbed(name: str, op: str, into: Absorption, names: Sequence[str]) -> NodeFate:
    nodes = tuple(names[index] for index in into.nodes)
    why = f"{into.how} {', '.join(nodes)}".strip()
    return NodeFate(name, op, ABSORBED, why, absorbed_into=nodes)


def _refusals(imported: Imported, notes: Notes, partitioned: Partitioned) -> dict[int, Refusal]:
    """ONNX node that runs on the host -> why; the most specific reason that is known."""
    graph = imported.model.graph
    labels = [
        f"{name} ({node.op_type})" for name, node in zip(imported.nodes, graph.node, strict=True)
    ]
    made = {name: i for i, node in enumerate(graph.node) for name in node.output}
    outputs = [(made[o.name],) if o.name in made else () for o in graph.output]
    flow = dataflow(partitioned.module, labels, outputs)
    found = diagnose(flow)
    by_name = {str(v.name): flow.made_by.get(v, ()) for v in flow.values}
    form = rule_of(values_meet_the_form)
    integer = {index for index, why in found.items() if why.rule not in FLOAT}
    # Patterns also look at float dataflow; what they find there is no reason but a consequence.
    for reasons, about in ((partitioned.refusals, integer), (notes.refused, set(found))):
        for hint, why in reasons.items():
            indices = by_name.get(hint, ()) or node_indices(hint)
            found |= {index: as_refusal(why, form) for index in about.intersection(indices)}
    return found


def placements(
    graphs: Mapping[str, ir.Graph], programs: Mapping[str, Program]
) -> dict[str, list[Placement]]:
    """ONNX node -> where the accelerator executes it."""
    found: dict[str, list[Placement]] = {}
    for symbol, program in programs.items():
        parts = _parts(graphs[symbol]) if symbol in graphs else {}
        for index, layer in enumerate(program.layers):
            ids = [i for i, owner in enumerate(program.layer_of) if owner == index]
            nodes = list(dict.fromkeys(layer.node.split("+")))
            for node in nodes:
                part = ", ".join(
                    f"{kind}{'' if name == layer.name else ' in its output stage'}"
                    for name, kind in parts.get(node, {}).items()
                    if name == layer.name or len(nodes) > 1
                )
                others = tuple(other for other in nodes if other != node)
                place = Placement(symbol, layer.name, ids[0], ids[-1], part, others)
                found.setdefault(node, []).append(place)
    return found


def _parts(graph: ir.Graph) -> dict[str, dict[str, str]]:
    """ONNX node -> the ops, before any were fused, that compute it: name -> pattern."""
    found: dict[str, dict[str, str]] = {}
    for op in graph.ops:
        for node in op.source.node.split("+"):
            found.setdefault(node, {})[op.name] = op.name.rpartition("_")[0]
    return found
