# SPDX-License-Identifier: Apache-2.0
"""Exact and flexible matching, and what each brings to the accelerator.

Exact: the pattern table on the model as its exporter wrote it. Flexible: on an equal module that
`codegen.rewrite` found by equality saturation. Flexible never loses: where it brings no more to the
accelerator, or leaves no less on the host, the exact one is taken. So it is with two roundings,
which promise every bit of TFLite-Micro: an equal form of a model rounds in other places.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from accel.config import AccelConfig
from accel.isa import Rounding
from codegen import ir
from codegen.choices import DEFAULTS, EXACT, FLEXIBLE, Choices
from codegen.emit import macs
from codegen.frontend.integerize import Notes, integerize
from codegen.frontend.onnx_import import Imported
from codegen.partition.partition import Partitioned
from codegen.partition.translate import Translated, translate

CONVERSIONS = ("relax.quantize", "relax.dequantize", "relax.astype")


@dataclass(frozen=True, slots=True)
class Coverage:
    """What runs where."""

    ops: int
    """Ops of the neutral graphs: on the accelerator."""
    macs: int
    """Their multiply-accumulates."""
    regions: int
    host_calls: int
    """Relax calls on the host; conversions of types are not counted."""

    def beats(self, other: Coverage) -> bool:
        """More MACs on the accelerator; if equal, fewer host calls; if equal, fewer regions."""
        mine, theirs = ((c.macs, -c.host_calls, -c.regions) for c in (self, other))
        return mine > theirs


@dataclass(frozen=True, slots=True)
class Matched:
    """A model up to its neutral graphs."""

    how: str
    """What was taken: exact or flexible."""
    integer: Any
    notes: Notes
    translated: Translated
    coverage: Coverage


def match_model(
    imported: Imported,
    config: AccelConfig,
    choices: Choices = DEFAULTS,
) -> Matched:
    """Integer form, partition and neutral graphs.

    Args:
        imported: the model.
        config: the hardware.
        choices: how to match, and the requantization rule.
    """
    rounding = choices.rule
    exact = _matched(imported, imported.module, config, EXACT, rounding)
    if choices.match == EXACT or rounding == Rounding.DOUBLE:
        return exact
    # egglog is not loaded for exact matching
    from codegen.rewrite.rewrite import rewrite, widest_kernel

    module = rewrite(imported.module, widest_kernel(config))
    if module is imported.module:
        return exact
    flexible = _matched(imported, module, config, FLEXIBLE, rounding)
    return flexible if flexible.coverage.beats(exact.coverage) else exact


def _matched(
    imported: Imported, module: Any, config: AccelConfig, how: str, rounding: Rounding
) -> Matched:
    integer, notes = integerize(module, rounding)
    translated = translate(integer, imported.nodes, config, rounding)
    covered = coverage(translated.partitioned, translated.graphs)
    return Matched(how, integer, notes, translated, covered)


def coverage(partitioned: Partitioned, graphs: Mapping[str, ir.Graph]) -> Coverage:
    """Count what runs where."""
    ops = [(op, graph) for graph in graphs.values() for op in graph.ops]
    bindings = [
        binding.value
        for block in partitioned.module["main"].body.blocks
        for binding in block.bindings
    ]
    host = [str(value.op.name) for value in bindings if hasattr(getattr(value, "op", None), "name")]
    return Coverage(
        len(ops),
        sum(macs(op, graph) for op, graph in ops),
        len(graphs),
        sum(name not in CONVERSIONS for name in host),
    )
