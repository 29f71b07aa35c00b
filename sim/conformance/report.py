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
    as_int8: Verdict | None = None
    """Quantized: see quantized.py; None for what is no float case."""
    baseline: tuple[Verdict, Verdict] | None = None
    """Unmodified TVM: at run time, with constants."""


COLUMNS = {
    "cases": "cases",
    "passed_at_run_time": "at run time",
    "passed_with_constants": "with constants",
    "int8_cases": "int8 cases",
    "int8_passed": "int8 passed",
    "int8_offloaded": "offloaded",
    "int8_host": "host",
}
BASELINE_COLUMNS = {
    "tvm_passed_at_run_time": "TVM at run time",
    "tvm_passed_with_constants": "TVM with constants",
}


def print_table(rows: Sequence[Row], console: Console) -> None:
    """Passed cases by operator, then every failure with its reason."""
    table = Table(title="ONNX backend tests of quantized networks' operators")
    table.add_column("operator")
    for name in counts(rows):
        table.add_column((COLUMNS | BASELINE_COLUMNS)[name], justify="right")
    for operator in dict.fromkeys(row.at_run_time.operator for row in rows):
        some = [row for row in rows if row.at_run_time.operator == operator]
        table.add_row(operator, *map(str, counts(some).values()))
    table.add_section()
    table.add_row("total", *map(str, counts(rows).values()))
    console.print(table)
    for title, verdicts in (
        ("at run time", [row.at_run_time for row in rows]),
        ("with constants", [row.with_constants for row in rows]),
        ("as int8", [row.as_int8 for row in rows if row.as_int8]),
    ):
        for verdict in verdicts:
            if not verdict.passed:
                console.print(
                    f"FAIL {title}: {verdict.case}: {verdict.reason}", markup=False, soft_wrap=True
                )


def counts(rows: Sequence[Row]) -> dict[str, int]:
    """How many cases there are and pass, by name of `COLUMNS`."""
    int8 = [row.as_int8 for row in rows if row.as_int8]
    passed = [verdict for verdict in int8 if verdict.passed]
    found = {
        "cases": len(rows),
        "passed_at_run_time": sum(row.at_run_time.passed for row in rows),
        "passed_with_constants": sum(row.with_constants.passed for row in rows),
        "int8_cases": len(int8),
        "int8_passed": len(passed),
        "int8_offloaded": sum(verdict.offloaded for verdict in passed),
        "int8_host": sum(not verdict.offloaded for verdict in passed),
    }
    pairs = [row.baseline for row in rows if row.baseline]
    if pairs:
        found |= {name: sum(p[i].passed for p in pairs) for i, name in enumerate(BASELINE_COLUMNS)}
    return found


def to_json(rows: Sequence[Row]) -> str:
    """Totals and all verdicts."""
    document = {"totals": counts(rows), "cases": [asdict(row) for row in rows]}
    return json.dumps(document, indent=2) + "\n"
