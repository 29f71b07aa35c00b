# SPDX-License-Identifier: Apache-2.0
"""Where every node of a model ended up, and why: the data, whichever IR it went through."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from accel.program import Program
from codegen import ir
from codegen.decision import Decision
from codegen.refusal import Refusal

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

    @classmethod
    def of(
        cls,
        fates: Iterable[NodeFate],
        programs: Mapping[str, Program],
        float_error_bound: float,
        decisions: Iterable[Decision] = (),
    ) -> Explanation:
        """The report on what became of the nodes, and of `programs` by symbol."""
        macs = sum(layer.macs for program in programs.values() for layer in program.layers)
        none = "nothing can be offloaded: the whole model runs on the host"
        warnings = () if programs else (none,)
        return cls(tuple(fates), macs, float_error_bound, warnings, tuple(decisions))

    def to_json(self) -> str:
        """As a JSON document."""
        return json.dumps(asdict(self), indent=2) + "\n"


def on_accelerator(name: str, op: str, found: Sequence[Placement]) -> NodeFate:
    """Of a node that the accelerator executes."""
    return NodeFate(name, op, ACCELERATOR, "; ".join(map(str, found)), tuple(found))


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
