# SPDX-License-Identifier: Apache-2.0
"""The report of a compilation on the terminal: what the host executes, and what offloading pays."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from codegen.decision import Decision
from codegen.explain_page import refusals
from codegen.explanation import ACCELERATOR, HOST, Explanation

MOST_NAMES = 3
"""Nodes that a row names; it counts the others."""


def refusal_table(explanation: Explanation) -> Table:
    """Nodes of the host by their reason."""
    drawn = Table(title="on the host", title_justify="left", show_edge=False, show_lines=True)
    for heading in ("ONNX nodes", "predicate: values", "remedy"):
        drawn.add_column(heading, overflow="fold")
    for refusal, fates in refusals(explanation).items():
        names = few([fate.node for fate in fates])
        drawn.add_row(names, f"{refusal.rule}: {refusal.detail}", refusal.remedy)
    return drawn


def decision_table(decisions: Sequence[Decision], title: str) -> Table:
    """What --partition cost weighed and decided."""
    drawn = Table(title=title, title_justify="left", show_edge=False)
    for heading in ("region", "ops", "ONNX nodes"):
        drawn.add_column(heading, overflow="fold")
    for heading in ("host us", "cycles", "accel us"):
        drawn.add_column(heading, justify="right", no_wrap=True)
    drawn.add_column("decision")
    for d in decisions:
        drawn.add_row(
            d.region,
            d.what,
            few(d.nodes),
            f"{d.host_us:,.1f}",
            f"{d.cycles:,}",
            f"{d.accelerator_us:,.1f}",
            ACCELERATOR if d.offloaded else HOST,
            style=None if d.offloaded else "dim",
        )
    return drawn


def few(names: Sequence[str]) -> str:
    """The first names, and how many there are beside them."""
    rest = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {rest} more" if rest > 0 else "")
