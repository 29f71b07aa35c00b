# SPDX-License-Identifier: Apache-2.0
"""From integer Relax to neutral graphs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from accel.config import AccelConfig
from accel.isa import Rounding
from codegen import ir
from codegen.partition.partition import Partitioned, partition
from codegen.partition.to_ir import ViewError, regions, to_ir, values_are_seen_one_way
from codegen.refusal import Refusal, rule_of


@dataclass(frozen=True, slots=True)
class Translated:
    """A partitioned module and the neutral graphs of its regions."""

    partitioned: Partitioned
    graphs: dict[str, ir.Graph]
    """By symbol."""
    excluded: dict[str, Refusal]
    """Variables that stay on the host in any case -> why."""


def translate(
    integer: Any,
    nodes: tuple[str, ...],
    config: AccelConfig,
    rounding: Rounding = Rounding.SINGLE,
    excluded: Mapping[str, Refusal] | None = None,
) -> Translated:
    """Partition an integer module and translate its regions.

    What sees a value otherwise than the rest of its region is taken out, which can change the
    regions around it; so the rest is partitioned again, until all agree.

    Args:
        integer: integer Relax.
        nodes: readable ONNX nodes by index.
        config: the hardware.
        rounding: the rule that `integer` was written with.
        excluded: variables that stay on the host in any case -> why.
    """
    kept = dict(excluded or {})
    while True:
        partitioned = partition(integer, config, rounding=rounding, excluded=kept)
        try:
            graphs = {
                symbol: to_ir(symbol, function, partitioned, nodes)
                for symbol, function in sorted(regions(partitioned).items())
            }
        except ViewError as error:
            rule = rule_of(values_are_seen_one_way)
            kept[error.variable] = rule.refuse(values_are_seen_one_way(error))
            continue
        return Translated(partitioned, graphs, kept)
