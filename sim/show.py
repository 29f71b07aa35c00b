# SPDX-License-Identifier: Apache-2.0
"""Show the result of a run: on the terminal, and as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from accel.config import AccelConfig
from sim.report import attribution_table, layer_table, row_json, total_row

if TYPE_CHECKING:
    from sim.session import Result

PLAIN_WIDTH = 120


def output(plain_width: int = PLAIN_WIDTH) -> Console:
    """Standard output; tables that go to a file or pipe have `plain_width` columns."""
    return Console(width=None if sys.stdout.isatty() else plain_width)


def show(result: Result, title: str, files: Mapping[str, Sequence[Path]]) -> None:
    """Print tables, remarks and, as the last line, the verdict."""
    console = output()
    console.print(layer_table(result.rows, title))
    console.print()
    if result.cycles:
        console.print(attribution_table(result.rows))
        console.print()
    for line in _remarks(result, files):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    style = "green" if result.difference.same else "red"
    console.print(_verdict(result), style=style, markup=False, highlight=False, soft_wrap=True)


def _remarks(result: Result, files: Mapping[str, Sequence[Path]]) -> list[str]:
    lines = [f"warning: {warning}" for warning in result.warnings]
    for name, gap in result.other.items():
        lines.append(
            f"integer form against {name}: {gap.mismatched} of {gap.elements} elements differ, "
            f"by {gap.largest:.3g} at most"
        )
    if result.macs:
        share = result.offloaded_macs / result.macs
        lines.append(
            f"{result.offloaded_macs:,} of {result.macs:,} MACs ({share:.1%}) on the accelerator"
        )
    if result.cycles:
        rate = result.cycles / result.seconds
        lines.append(f"{result.cycles:,} cycles, {rate:,.0f} per second of wall time")
        if result.predicted is not None:
            error = result.predicted / result.cycles - 1
            lines.append(f"{result.predicted:,} cycles by the cost model ({error:+.1%})")
    lines += [f"{what}: {' '.join(map(str, paths))}" for what, paths in files.items() if paths]
    if result.culprit is not None:
        lines.append(str(result.culprit))
    elif not result.difference.same:
        lines.append("every layer equals the functional model, which differs from the host")
    return lines


def _verdict(result: Result) -> str:
    gap = result.difference
    if gap.same:
        return f"PASS {gap.elements} elements equal to {result.reference} in every bit"
    return f"FAIL {gap.mismatched} of {gap.elements} elements differ from {result.reference}"


def to_json(result: Result, config: AccelConfig, facts: Mapping[str, str]) -> str:
    """The result as a JSON document.

    Args:
        result: of the run.
        config: hardware it ran on.
        facts: further entries.
    """
    gap = result.difference
    document = {
        "match": gap.same,
        "elements": gap.elements,
        "mismatched": gap.mismatched,
        "cycles": result.cycles,
        "predicted_cycles": result.predicted,
        "macs": result.macs,
        "offloaded_macs": result.offloaded_macs,
        "attribution": row_json(total_row(result.rows))["attribution"],
        "layers": [row_json(row) for row in result.rows],
        **facts,
        "config": asdict(config),
        "reference": result.reference,
        "seconds": result.seconds,
        "against": {name: asdict(other) for name, other in result.other.items()},
        "culprit": None if result.culprit is None else str(result.culprit),
    }
    return json.dumps(document, indent=2) + "\n"
