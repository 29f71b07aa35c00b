# SPDX-License-Identifier: Apache-2.0
"""Where every ONNX node ended up, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from accel.program import Program
from codegen import ir
from codegen.absorbed import Absorption, absorbed
from codegen.decision import Decision
from codegen.explanation import (
    ABSORBED,
    HOST,
    Explanation,
    NodeFate,
    on_accelerator,
    placements,
)
from codegen.frontend.dataflow import dataflow
from codegen.frontend.diagnose import diagnose
from codegen.frontend.float_rules import FLOAT_RULES, values_meet_the_form
from codegen.frontend.integerize import Notes
from codegen.frontend.nodes import node_indices
from codegen.frontend.onnx_import import Imported
from codegen.partition.partition import Partitioned, host_variables
from codegen.refusal import Refusal, as_refusal, rule_of

FLOAT = frozenset(rule_of(rule).name for rule in FLOAT_RULES)


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
            fates.append(on_accelerator(name, node.op_type, placed[name]))
        elif index in refused:
            why = refused[index]
            fates.append(NodeFate(name, node.op_type, HOST, str(why), refusal=why))
        else:
            fates.append(_absorbed(name, node.op_type, folded[index], names))
    return Explanation.of(fates, programs, notes.float_error, decisions)


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
