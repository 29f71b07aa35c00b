# SPDX-License-Identifier: Apache-2.0
"""Tables and JSON of the conformance run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table

from sim.conformance.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Row:
    """Verdicts of one case."""

    at_run_time: Verdict
    """All inputs given at run time."""
    with_constants: Verdict
    """Weights, scales and shapes known when compiling."""
    baseline: tuple[Verdict, Verdict] | None = None
    """Unmodified TVM: at run time, with constants."""


def print_table(rows: Sequence[Row], console: Console) -> None:
    """Passed cases by operator, then every failure with its reason."""
    table = Table(title="ONNX backend tests of quantized networks' operators")
    baseline = any(row.baseline for row in rows)
    columns = ["cases", "at run time", "with constants", "offloaded", "host"]
    columns += ["TVM at run time", "TVM with constants"] if baseline else []
    table.add_column("operator")
    for column in columns:
        table.add_column(column, justify="right")
    for operator in dict.fromkeys(row.at_run_time.operator for row in rows):
        some = [row for row in rows if row.at_run_time.operator == operator]
        table.add_row(operator, *map(str, _counts(some)))
    table.add_section()
    table.add_row("total", *map(str, _counts(rows)))
    console.print(table)
    for title, verdicts in (
        ("at run time", [row.at_run_time for row in rows]),
        ("with constants", [row.with_constants for row in rows]),
    ):
        for verdict in verdicts:
            if not verdict.passed:
                console.print(
                    f"FAIL {title}: {verdict.case}: {verdict.reason}", markup=False, soft_wrap=True
                )


def _counts(rows: Sequence[Row]) -> list[int]:
    """Cases, passed both ways, where they ran with constants; of the baseline, passed both ways."""
    compiled = [row.with_constants for row in rows]
    counts = [
        len(rows),
        sum(row.at_run_time.passed for row in rows),
        sum(verdict.passed for verdict in compiled),
        sum(verdict.passed and verdict.offloaded for verdict in compiled),
        sum(verdict.passed and not verdict.offloaded for verdict in compiled),
    ]
    pairs = [row.baseline for row in rows if row.baseline is not None]
    if pairs:
        counts += [sum(pair[i].passed for pair in pairs) for i in (0, 1)]
    return counts


def to_json(rows: Sequence[Row]) -> str:
    """Totals and all verdicts."""
    names = ("cases", "passed_at_run_time", "passed_with_constants", "offloaded", "host")
    baseline = ("tvm_passed_at_run_time", "tvm_passed_with_constants")
    counts = _counts(rows)
    totals = dict(zip((*names, *baseline)[: len(counts)], counts, strict=True))
    return json.dumps({"totals": totals, "cases": [asdict(row) for row in rows]}, indent=2) + "\n"
