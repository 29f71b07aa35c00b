# SPDX-License-Identifier: Apache-2.0
"""The report of a compilation as a page that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path

from codegen.decision import Decision
from codegen.explanation import ABSORBED, ACCELERATOR, HOST, Explanation, NodeFate, Placement
from codegen.html_page import fill, table_row
from codegen.refusal import Refusal

TEMPLATE = Path(__file__).with_name("explain_page.html")
COLORS = {ACCELERATOR: "#2b8a5a", HOST: "#d1495b", ABSORBED: "#86b4dc"}


def page(explanation: Explanation, title: str) -> str:
    """The page, HTML; the same explanation gives the same text."""
    nodes = explanation.nodes
    return fill(
        TEMPLATE,
        title,
        summary=escape(summary(explanation)),
        bar="".join(_share(where, explanation) for where in COLORS),
        legend="".join(_key(where, explanation) for where in COLORS),
        refused="\n".join(_refused(explanation)) or table_row(["none", "", "", "", ""]),
        decisions=_decisions(explanation.decisions),
        regions="\n".join(_regions(explanation)) or "<p>Nothing.</p>",
        count=str(len(nodes)),
        nodes="\n".join(table_row([n.node, n.op, n.where, _how(n)]) for n in nodes),
    )


def summary(explanation: Explanation) -> str:
    """One or two sentences."""
    counted = {where: _count(where, explanation) for where in COLORS}
    regions = {place.region for node in explanation.nodes for place in node.placements}
    warnings = "".join(f" Warning: {warning}." for warning in explanation.warnings)
    return (
        f"Of {len(explanation.nodes)} ONNX nodes the accelerator executes {counted[ACCELERATOR]} "
        f"in {len(regions)} region{'s' * (len(regions) != 1)} "
        f"({explanation.offloaded_macs:,} MACs), the host {counted[HOST]}; {counted[ABSORBED]} are "
        f"absorbed by others.{warnings}"
    )


def refusals(explanation: Explanation) -> dict[Refusal, list[NodeFate]]:
    """Nodes of the host by the reason that they share."""
    found: dict[Refusal, list[NodeFate]] = {}
    for fate in explanation.nodes:
        if fate.refusal is not None:
            found.setdefault(fate.refusal, []).append(fate)
    return found


def _count(where: str, explanation: Explanation) -> int:
    return sum(node.where == where for node in explanation.nodes)


def _share(where: str, explanation: Explanation) -> str:
    share = _count(where, explanation) / max(1, len(explanation.nodes))
    title = f"{where}: {share:.1%} of the nodes"
    return f'<i style="width:{share:.4%};background:{COLORS[where]}" title="{title}"></i>'


def _key(where: str, explanation: Explanation) -> str:
    return (
        f'<li><i style="background:{COLORS[where]}"></i>{where}: {_count(where, explanation)}</li>'
    )


def _refused(explanation: Explanation) -> Iterator[str]:
    for refusal, fates in refusals(explanation).items():
        names = ", ".join(fate.node for fate in fates)
        operators = ", ".join(dict.fromkeys(fate.op for fate in fates))
        rule = f"<b>{escape(refusal.rule)}</b><br><small>{escape(refusal.predicate)}</small>"
        cells = [names, operators, refusal.detail, refusal.remedy]
        first, second, *rest = (f"<td>{escape(cell)}</td>" for cell in cells)
        yield f"<tr>{first}{second}<td>{rule}</td>{''.join(rest)}</tr>"


def _decisions(decisions: Iterable[Decision]) -> str:
    rows = [
        f"<tr><td>{escape(d.region)}</td><td>{escape(d.what)}</td>"
        f"<td>{escape(', '.join(d.nodes))}</td>"
        + "".join(
            f'<td class="number">{text}</td>'
            for text in (f"{d.host_us:,.1f}", f"{d.cycles:,}", f"{d.accelerator_us:,.1f}")
        )
        + f"<td>{ACCELERATOR if d.offloaded else HOST}</td></tr>"
        for d in decisions
    ]
    if not rows:
        return ""
    heads = ("region", "ops", "ONNX nodes", "host, us", "cycles", "accelerator, us", "decision")
    head = "".join(f"<th>{text}</th>" for text in heads)
    return (
        "<h2>What offloading pays</h2>\n<p>Measured time on the host against predicted time on the "
        "accelerator, transfers and the cost of an invocation included.</p>\n"
        f'<div class="scroll"><table>\n<tr>{head}</tr>\n' + "\n".join(rows) + "\n</table></div>\n"
    )


def _regions(explanation: Explanation) -> Iterator[str]:
    """A table for each region: its ops with their commands and the nodes that they execute."""
    ops: dict[str, dict[str, list[tuple[NodeFate, Placement]]]] = {}
    for fate in explanation.nodes:
        for place in fate.placements:
            ops.setdefault(place.region, {}).setdefault(place.op, []).append((fate, place))
    for region, by_op in sorted(ops.items()):
        yield f"<h3>{escape(region)}</h3>"
        yield '<div class="scroll"><table><tr><th>op</th><th>commands</th><th>ONNX nodes</th></tr>'
        for op, members in sorted(by_op.items(), key=lambda item: item[1][0][1].first):
            place = members[0][1]
            yield table_row(
                [op, f"{place.first} to {place.last}", "; ".join(map(_member, members))]
            )
        yield "</table></div>"


def _member(member: tuple[NodeFate, Placement]) -> str:
    fate, place = member
    return f"{fate.node} ({', '.join(filter(None, (fate.op, place.part)))})"


def _how(fate: NodeFate) -> str:
    """The reason in full is in the table of refusals."""
    return fate.why if fate.refusal is None else f"{fate.refusal.rule}: {fate.refusal.detail}"
