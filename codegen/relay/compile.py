# SPDX-License-Identifier: Apache-2.0
"""Compile a model through Relay; what comes out is what codegen.compile gives for Relax."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accel.config import AccelConfig
from accel.program import Program
from codegen import ir
from codegen.choices import DEFAULTS, Choices
from codegen.explanation import (
    ABSORBED,
    HOST,
    Explanation,
    NodeFate,
    on_accelerator,
    placements,
)
from codegen.frontend.nodes import node_indices
from codegen.lowering import lower_regions
from codegen.refusal import Refusal, as_refusal, rule_of
from codegen.relay import artifact
from codegen.relay.expressions import hint_of
from codegen.relay.fake_quantization import to_qnn
from codegen.relay.integerize import Notes, integerize
from codegen.relay.load import Loaded, load
from codegen.relay.partition import Partitioned, host_ops, partition
from codegen.relay.to_ir import to_ir


@dataclass(frozen=True, slots=True)
class RelayCompiled:
    """A model compiled for one configuration, with all intermediate results."""

    loaded: Loaded
    qnn: Any
    """Relay with qnn ops, as FakeQuantizationToInteger gives it."""
    integer: Any
    """Integer Relay: the golden reference when built for the host."""
    notes: Notes
    partitioned: Partitioned
    graphs: dict[str, ir.Graph]
    """Neutral graph of each region, by symbol."""
    programs: dict[str, Program]
    """Program of each region, by symbol."""
    explanation: Explanation

    def export(self, path: Path) -> None:
        """Write the self-contained TVM library."""
        artifact.export(self.partitioned.module, self.programs, path)


def compile_relay(
    path: Path,
    config: AccelConfig,
    choices: Choices = DEFAULTS,
    progress: Callable[[str], None] = lambda _: None,
) -> RelayCompiled:
    """Compile an ONNX file, or Relay as text or JSON.

    Args:
        path: the model.
        config: the hardware.
        choices: how ops are offered to the accelerator, and recipes; the others are of Relax.
        progress: told the name of each step.

    Raises:
        ModelError: the model cannot be read.
        PlanError: a region does not fit the configured memories.
    """
    progress("importing into Relay")
    loaded = load(path)
    progress("rewriting to integers")
    qnn = to_qnn(loaded.module)
    integer, notes = integerize(qnn)
    progress("partitioning")
    partitioned = partition(integer, config, choices.annotate)
    names = tuple(name for name, _ in loaded.nodes)
    graphs = {s: to_ir(s, region, names) for s, region in partitioned.regions().items()}
    programs = lower_regions(graphs, config, choices, progress)
    explanation = _explain(loaded, notes, partitioned, graphs, programs)
    return RelayCompiled(loaded, qnn, integer, notes, partitioned, graphs, programs, explanation)


def _explain(
    loaded: Loaded,
    notes: Notes,
    partitioned: Partitioned,
    graphs: dict[str, ir.Graph],
    programs: dict[str, Program],
) -> Explanation:
    """Say for every node where it runs and why."""
    placed = placements(graphs, programs)
    on_host = {i for op in host_ops(partitioned.module) for i in node_indices(hint_of(op))}
    refused = {**notes.refused, **partitioned.refusals}
    reasons = {index: why for hint, why in refused.items() for index in node_indices(hint)}
    fates = []
    for index, (name, op) in enumerate(loaded.nodes):
        if name in placed:
            fates.append(on_accelerator(name, op, placed[name]))
        elif index in on_host or index in reasons:
            why = _refusal(op, reasons.get(index, ""))
            fates.append(NodeFate(name, op, HOST, str(why), refusal=why))
        else:
            fates.append(NodeFate(name, op, ABSORBED, "folded into its neighbours"))
    return Explanation.of(fates, programs, notes.float_error)


def values_are_offloaded_around() -> None:
    """Float values become int8, and int8 ones float, where the offloaded part begins and ends.

    Remedy: none is needed.
    """


def ops_are_in_a_pattern() -> None:
    """An op is in a pattern of codegen/relay/patterns.py, its inputs and its output are quantized.

    Remedy: quantize the inputs and the output of the op in the model; else it runs on the host.
    """


def _refusal(op: str, reason: str | Refusal) -> Refusal:
    if not reason and op.endswith(("QuantizeLinear", "DequantizeLinear", "quantize", "dequantize")):
        return rule_of(values_are_offloaded_around).refuse(f"{op} at the border")
    return as_refusal(reason or op, rule_of(ops_are_in_a_pattern))
