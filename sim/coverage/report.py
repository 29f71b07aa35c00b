# SPDX-License-Identifier: Apache-2.0
"""Coverage as tables and as JSON: pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.table import Table

from sim.accuracy import Accuracy
from sim.compare import Difference
from sim.coverage.measure import Coverage

FAILURES = "failed"
"""Key of the JSON report that is no network."""
LEGEND = (
    "ops: ONNX nodes without conversions between float and int8; on the accelerator: its own ops, "
    "of several nodes each, as matched exactly / flexibly",
    "vs onnxruntime: output elements that differ, and the largest difference as part of the span "
    "of all outputs",
    "accuracy: float in onnxruntime, int8 in onnxruntime, int8 here; of classes, characters or "
    "pixels",
)


@dataclass(slots=True)
class Results:
    """What is known so far."""

    rows: list[Coverage] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    """Reason, by network."""

    @property
    def mismatched(self) -> int:
        """Output elements, over all networks, that differ from TVM's host execution."""
        return sum(row.tvm_host.mismatched for row in self.rows)


def document(results: Results) -> dict[str, Any]:
    """The JSON report: network -> figures; failures."""
    report: dict[str, Any] = {}
    for row in results.rows:
        figures = asdict(row)
        figures["offloaded_share"] = {m: share(row, m) for m in row.offloaded}
        report[str(figures.pop("network"))] = figures
    if results.failures:
        report[FAILURES] = dict(results.failures)
    return report


def share(row: Coverage, match: str) -> float:
    """Part of the multiply-accumulates on the accelerator; 1 where there are none."""
    return row.offloaded[match] / row.macs if row.macs else 1.0


def coverage_table(rows: Sequence[Coverage]) -> Table:
    """A line for each network."""
    matches = list(dict.fromkeys(match for row in rows for match in row.offloaded))
    table = Table(
        title="What of the networks runs on the accelerator",
        caption="\n".join(LEGEND),
        title_justify="left",
        caption_justify="left",
        show_edge=False,
    )
    table.add_column("network", no_wrap=True)
    table.add_column("ops", justify="right")
    table.add_column("MACs", justify="right", no_wrap=True)
    for match in matches:
        table.add_column(f"offloaded,\n{match}", justify="right", no_wrap=True)
    for heading in (
        "ops on\naccelerator",
        "regions",
        "vs TVM\nhost",
        "vs float\nQDQ form",
        "vs onnxruntime",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("accuracy", justify="right", no_wrap=True)
    table.add_column("ops left on the host")
    for row in rows:
        table.add_row(
            row.network,
            str(row.ops),
            f"{row.macs:,}",
            *(f"{share(row, m):.2%}" if m in row.offloaded else "" for m in matches),
            " / ".join(str(row.offloaded_ops.get(m, "-")) for m in matches),
            str(row.regions),
            f"[red]{row.tvm_host.mismatched} wrong[/red]" if row.tvm_host.mismatched else "0",
            _difference(row.float_form, row.span),
            _difference(row.onnxruntime, row.span),
            _accuracy(row.accuracy),
            left_summary(row),
        )
    return table


def left_summary(row: Coverage) -> str:
    """`Concat 9, LRN 2`, whatever the reasons."""
    counts: dict[str, int] = {}
    for left in row.left:
        counts[left.op] = counts.get(left.op, 0) + left.count
    return ", ".join(f"{op} {count}" for op, count in counts.items()) or "none"


def _difference(found: Difference, span: float) -> str:
    if found.same:
        return "0"
    part = f"{found.largest / span:.1%}" if span else f"{found.largest:g}"
    return f"{found.mismatched}/{found.elements}, {part}"


def _accuracy(found: Accuracy | None) -> str:
    if found is None:
        return "-"
    known = found.onnxruntime_float
    before = "-" if known is None else f"{known:.1%}"
    return f"{before} / {found.onnxruntime_int8:.1%} / {found.accelerator:.1%}"


def reasons_table(rows: Sequence[Coverage]) -> Table:
    """Why ops stay on the host, over all networks."""
    table = Table(title="Left on the host, and why", title_justify="left", show_edge=False)
    table.add_column("op", no_wrap=True)
    table.add_column("times", justify="right")
    table.add_column("networks")
    table.add_column("why, for instance")
    groups: dict[tuple[str, str], list[tuple[str, int, str]]] = {}
    for row in rows:
        for left in row.left:
            key = left.op, left.why.partition(":")[0]
            groups.setdefault(key, []).append((row.network, left.count, left.why))
    for (op, _), found in sorted(groups.items(), key=lambda g: -sum(n for _, n, _ in g[1])):
        names = ", ".join(dict.fromkeys(network for network, _, _ in found))
        table.add_row(op, str(sum(count for _, count, _ in found)), names, found[0][2])
    return table
