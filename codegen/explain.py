# SPDX-License-Identifier: Apache-2.0
"""Where every ONNX node ended up, and why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import onnx

from accel.program import Program
from codegen.frontend.nodes import node_indices

if TYPE_CHECKING:  # a report is also made where there is no Relax
    from codegen.frontend.integerize import Notes
    from codegen.frontend.onnx_import import Imported
    from codegen.partition.partition import Partitioned

ACCELERATOR, HOST, ABSORBED = "accelerator", "host", "absorbed"


@dataclass(frozen=True, slots=True)
class NodeFate:
    """What became of one ONNX node."""

    node: str
    op: str
    where: str
    """accelerator; host; or absorbed: folded into another node or into constants."""
    why: str
    """Which commands execute it, or why it stays on the host."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The report of a compilation."""

    nodes: tuple[NodeFate, ...]
    offloaded_macs: int
    float_error_bound: float
    """Bound of the float path's error in output steps; below 0.5 the integer form is within 1
    LSB."""
    warnings: tuple[str, ...]

    def to_json(self) -> str:
        """As a JSON document."""
        return json.dumps(asdict(self), indent=2) + "\n"


def explain(
    imported: Imported, notes: Notes, partitioned: Partitioned, programs: Mapping[str, Program]
) -> Explanation:
    """Say for every ONNX node where it runs and why."""
    on_device = _commands(programs)
    on_host = _host_nodes(partitioned.module)
    refused = {**notes.refused, **partitioned.refusals}
    reasons = {index: why for hint, why in refused.items() for index in node_indices(hint)}
    fates = []
    for index, node in enumerate(imported.model.graph.node):
        name = imported.nodes[index]
        if name in on_device:
            fates.append(NodeFate(name, node.op_type, ACCELERATOR, on_device[name]))
        elif index in on_host or index in reasons:
            fates.append(NodeFate(name, node.op_type, HOST, reasons.get(index, _default(node))))
        else:
            fates.append(NodeFate(name, node.op_type, ABSORBED, "folded into its neighbours"))
    macs = sum(layer.macs for program in programs.values() for layer in program.layers)
    warnings = []
    if not programs:
        warnings.append("nothing can be offloaded: the whole model runs on the host")
    return Explanation(tuple(fates), macs, notes.float_error, tuple(warnings))


def _default(node: onnx.NodeProto) -> str:
    if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
        return "conversion between float and int8 at the border of the offloaded part"
    return (
        f"{node.op_type} is not in the pattern table (codegen/partition/patterns.py), or not all "
        "of its inputs and its output are quantized"
    )


def _commands(programs: Mapping[str, Program]) -> dict[str, str]:
    """ONNX node -> the commands that execute it."""
    found = {}
    for symbol, program in programs.items():
        for index, layer in enumerate(program.layers):
            ids = [i for i, owner in enumerate(program.layer_of) if owner == index]
            for node in layer.node.split("+"):
                found[node] = f"{symbol} {layer.name}, commands {ids[0]} to {ids[-1]}"
    return found


def _host_nodes(module: Any) -> set[int]:
    """Indices of the ONNX nodes whose results are computed in `main`."""
    return {
        index
        for block in module["main"].body.blocks
        for binding in block.bindings
        for index in node_indices(str(binding.var.name))
    }
