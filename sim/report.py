# SPDX-License-Identifier: Apache-2.0
"""What a run cost, per layer: pure functions from programs and observations to rows and table.

Every cycle of a stream belongs to one command (accel/device.py: Profile), so to one layer or to the
end of the stream, and to one `ArrayCycle`: over rows and causes they sum to the counter CYCLES.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from accel.device import Profile
from accel.isa import ArrayCycle
from accel.program import Program

ACCELERATOR, HOST = "accelerator", "host"
END = "(end of stream)"
NODE_WIDTH = 36
SMALL_SHARE = 0.005
"""Stalls below this share of a row's cycles are left out of the table (never out of the JSON)."""


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One line of the report."""

    name: str
    kind: str
    """conv, pool, add; of host rows the ONNX operator."""
    node: str
    """ONNX node(s)."""
    where: str
    macs: int
    cycles: int | None
    """None where there are none: on the host, and on the model."""
    split: dict[ArrayCycle, int]
    """Cycles by what the array did; they sum to `cycles`."""

    def utilization(self, macs_per_cycle: int) -> float | None:
        """Share of the array's multipliers that did the op's own work."""
        if not self.cycles or not self.macs:
            return None
        return self.macs / (self.cycles * macs_per_cycle)


def layer_rows(program: Program, profile: Profile | None) -> list[LayerRow]:
    """Rows of an offloaded region, in layer order; with a profile, the end of its stream last."""
    if profile is None:
        return [
            LayerRow(layer.name, layer.kind, layer.node, ACCELERATOR, layer.macs, None, {})
            for layer in program.layers
        ]
    splits = {index: dict.fromkeys(ArrayCycle, 0) for index in range(-1, len(program.layers))}
    for command, cycles in profile.array_cycles.items():
        index = program.layer_of[command] if command < len(program.layer_of) else -1
        for cause in ArrayCycle:
            splits[index][cause] += cycles[cause]
    rows = [
        LayerRow(
            layer.name,
            layer.kind,
            layer.node,
            ACCELERATOR,
            layer.macs,
            sum(splits[index].values()),
            splits[index],
        )
        for index, layer in enumerate(program.layers)
    ]
    last = splits[-1]
    return [*rows, LayerRow(END, "end", "", ACCELERATOR, 0, sum(last.values()), last)]


def total_row(rows: Sequence[LayerRow], name: str = "total") -> LayerRow:
    """The sum of rows; its cycles are None when no row has any."""
    timed = [row for row in rows if row.cycles is not None]
    split = {cause: sum(row.split.get(cause, 0) for row in timed) for cause in ArrayCycle}
    return LayerRow(
        name,
        "",
        "",
        "",
        sum(row.macs for row in rows),
        sum(row.cycles or 0 for row in timed) if timed else None,
        split if timed else {},
    )


def stalls(row: LayerRow) -> str:
    """Why the array stood still, largest first: `weight 3 %, drain 1 %`."""
    if not row.cycles:
        return ""
    shares = {cause: row.split[cause] / row.cycles for cause in row.split if cause}
    shown = sorted(
        (cause for cause, share in shares.items() if share >= SMALL_SHARE),
        key=lambda cause: -shares[cause],
    )
    return ", ".join(
        f"{cause.name.lower().removeprefix('dep_')} {shares[cause]:.0%}" for cause in shown
    )


def table(rows: Sequence[LayerRow], macs_per_cycle: int, title: str) -> Table:
    """Draw the rows and their total."""
    drawn = Table(title=title, title_justify="left", show_edge=False)
    drawn.add_column("op", no_wrap=True)
    drawn.add_column("ONNX node", overflow="fold", max_width=NODE_WIDTH)
    drawn.add_column("where", no_wrap=True)
    for heading in ("cycles", "MACs", "util", "busy"):
        drawn.add_column(heading, justify="right", no_wrap=True)
    drawn.add_column("array stalls")
    for row in rows:
        drawn.add_row(*_cells(row, macs_per_cycle), style="dim" if row.where == HOST else None)
    drawn.add_section()
    drawn.add_row(*_cells(total_row(rows), macs_per_cycle), style="bold")
    return drawn


def _cells(row: LayerRow, macs_per_cycle: int) -> list[str]:
    utilization = row.utilization(macs_per_cycle)
    busy = row.split[ArrayCycle.BUSY] / row.cycles if row.cycles else None
    return [
        row.name,
        row.node,
        row.where,
        "" if row.cycles is None else f"{row.cycles:,}",
        f"{row.macs:,}" if row.macs else "",
        "" if utilization is None else f"{utilization:.1%}",
        "" if busy is None else f"{busy:.0%}",
        stalls(row),
    ]


def row_json(row: LayerRow, macs_per_cycle: int) -> dict[str, Any]:
    """A row as JSON values."""
    return {
        "name": row.name,
        "kind": row.kind,
        "node": row.node,
        "where": row.where,
        "cycles": row.cycles,
        "macs": row.macs,
        "utilization": row.utilization(macs_per_cycle),
        "attribution": {cause.name.lower(): cycles for cause, cycles in row.split.items()},
    }
