# SPDX-License-Identifier: Apache-2.0
"""What a run cost, per layer: pure functions from programs and observations to rows and tables.

Every cycle of a stream belongs to one command (accel/device.py: Profile), so to one layer or to the
end of the stream, and to one or two uses (sim/attribution.py): over rows and uses they sum to the
counter CYCLES.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rich.table import Table

from accel.codec import decode
from accel.device import Profile
from accel.isa import BY_NAME, Unit
from accel.program import Layer, Program
from sim.attribution import Spent, Use, attribute

ACCELERATOR, HOST = "accelerator", "host"
END = "(end of stream)"
NODE_WIDTH = 36


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One line of the report."""

    name: str
    kind: str
    """conv, pool, add; of host rows the ONNX operator."""
    node: str
    """ONNX node(s)."""
    where: str
    macs: int = 0
    bytes_read: int = 0
    """What its LOAD commands move."""
    bytes_written: int = 0
    """What its STORE commands move."""
    cycles: int | None = None
    """None where there are none: on the host, and on the model."""
    spent: Spent = field(default_factory=dict)
    """What the cycles were spent on; sums to `cycles`."""

    @property
    def macs_per_cycle(self) -> float | None:
        """What was achieved; None without cycles or work for the array."""
        return self.macs / self.cycles if self.cycles and self.macs else None

    @property
    def intensity(self) -> float | None:
        """Operational intensity: MACs per byte moved; None when either is 0.

        Reads and writes have a channel each, so the bytes are those of the busier direction.
        """
        moved = max(self.bytes_read, self.bytes_written)
        return self.macs / moved if moved and self.macs else None

    def share(self, use: Use) -> float:
        """Share of the row's cycles that went to `use`."""
        return self.spent[use] / self.cycles if self.cycles else 0.0


def layer_rows(program: Program, profile: Profile | None, macs_per_cycle: int) -> list[LayerRow]:
    """Rows of an offloaded region, in layer order; with a profile, the end of its stream last."""
    layers = (*program.layers, Layer(END, "end", "", 0))  # layer_of -1 is the last one
    moved = [dict.fromkeys(Unit, 0) for _ in layers]
    counted: list[list[tuple[Unit, tuple[int, ...]]]] = [[] for _ in layers]
    commands = [decode(words) for words in program.words]
    units = [BY_NAME[command.name].unit for command in commands]
    for command, unit, owner in zip(commands, units, program.layer_of, strict=True):
        if unit in (Unit.LOAD, Unit.STORE):
            v = command.values
            moved[owner][unit] += v["planes"] * v["rows"] * v["row_bytes"]
    for id_, cycles in profile.array_cycles.items() if profile else ():
        known = id_ < len(commands)
        owner, unit = (program.layer_of[id_], units[id_]) if known else (-1, Unit.DISPATCH)
        counted[owner].append((unit, cycles))
    rows = [
        _row(layer, traffic, attribute(of_commands, layer.macs, macs_per_cycle))
        for layer, traffic, of_commands in zip(layers, moved, counted, strict=True)
    ]
    return rows if profile else [replace(row, cycles=None, spent={}) for row in rows[:-1]]


def _row(layer: Layer, moved: Mapping[Unit, int], spent: Spent) -> LayerRow:
    return LayerRow(
        layer.name,
        layer.kind,
        layer.node,
        ACCELERATOR,
        layer.macs,
        moved[Unit.LOAD],
        moved[Unit.STORE],
        int(sum(spent.values())),
        spent,
    )


def total_row(rows: Sequence[LayerRow]) -> LayerRow:
    """The sum of rows; its cycles are None when no row has any."""
    timed = [row for row in rows if row.cycles is not None]
    return LayerRow(
        "total",
        "",
        "",
        "",
        sum(row.macs for row in rows),
        sum(row.bytes_read for row in rows),
        sum(row.bytes_written for row in rows),
        sum(row.cycles or 0 for row in timed) if timed else None,
        {use: sum(row.spent[use] for row in timed) for use in Use} if timed else {},
    )


def uses(rows: Iterable[LayerRow]) -> list[Use]:
    """What any of the rows spent cycles on."""
    return [use for use in Use if any(row.share(use) for row in rows)]


def layer_table(rows: Sequence[LayerRow], title: str) -> Table:
    """What ran where, and how long."""
    drawn = Table(title=title, title_justify="left", show_edge=False)
    drawn.add_column("op", no_wrap=True)
    drawn.add_column("ONNX node", overflow="fold", max_width=NODE_WIDTH)
    drawn.add_column("where", no_wrap=True)
    for heading in ("cycles", "MACs", "bytes in", "bytes out", "util"):
        drawn.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        drawn.add_row(*_cells(row), style="dim" if row.where == HOST else None)
    drawn.add_section()
    drawn.add_row(*_cells(total_row(rows)), style="bold")
    return drawn


def _cells(row: LayerRow) -> list[str]:
    counts = (row.cycles, row.macs, row.bytes_read, row.bytes_written)
    return [
        row.name,
        row.node,
        row.where,
        *(f"{count:,}" if count else "" for count in counts),
        f"{row.share(Use.USEFUL):.1%}" if row.macs and row.cycles else "",
    ]


def attribution_table(rows: Sequence[LayerRow]) -> Table:
    """What the cycles of each row were spent on, in percent; they sum to 100."""
    timed = [row for row in rows if row.cycles]
    shown = uses(timed)
    drawn = Table(title="% of cycles", title_justify="left", show_edge=False)
    drawn.add_column("op", no_wrap=True)
    for use in shown:
        drawn.add_column(use.name.lower(), justify="right", no_wrap=True)
    for row in timed:
        drawn.add_row(row.name, *percentages(row, shown))
    drawn.add_section()
    drawn.add_row("total", *percentages(total_row(timed), shown), style="bold")
    return drawn


def percentages(row: LayerRow, shown: Iterable[Use]) -> list[str]:
    """The row's shares as text; nothing where there is nothing."""
    return [f"{100 * row.share(use):.1f}" if row.share(use) else "" for use in shown]


def row_json(row: LayerRow) -> dict[str, Any]:
    """A row as JSON values."""
    return {
        "name": row.name,
        "kind": row.kind,
        "node": row.node,
        "where": row.where,
        "cycles": row.cycles,
        "macs": row.macs,
        "bytes_read": row.bytes_read,
        "bytes_written": row.bytes_written,
        "utilization": row.share(Use.USEFUL) if row.macs and row.cycles else None,
        "attribution": {use.name.lower(): cycles for use, cycles in row.spent.items()},
    }
