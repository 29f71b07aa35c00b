# SPDX-License-Identifier: Apache-2.0
"""The report as files: the roofline as SVG and PNG, and a page that needs nothing else.

DIR/index.html       roofline, what each layer's cycles were spent on, both tables; light and dark
DIR/roofline.svg     DIR/roofline.png
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from codegen.html_page import fill, table_row
from sim.attribution import USE_DOC, Use
from sim.report import LayerRow, percentages, total_row, uses
from sim.roofline import Roof
from sim.roofline_figure import draw

TEMPLATE = Path(__file__).with_name("page.html")
COLORS = {
    # The array works: green. It waits for its own parts: warm; for memory: blue; for other units:
    # violet; for commands: grey.
    Use.USEFUL: "#2b8a5a",
    Use.EDGE: "#9fcf9a",
    Use.WEIGHT: "#d1495b",
    Use.ACTIVATION: "#e98a6d",
    Use.ACCUMULATOR: "#edae49",
    Use.LOAD: "#2f6fa8",
    Use.STORE: "#86b4dc",
    Use.CONV: "#8358a5",
    Use.VECTOR: "#c09ad8",
    Use.COMMAND: "#6c757d",
    Use.ISSUE: "#b8bec4",
    Use.DRAIN: "#49505a",
}
PNG_DPI = 150


def write_report(folder: Path, rows: Sequence[LayerRow], roof: Roof, title: str) -> list[Path]:
    """Write page and figures of a run with cycles; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    page, svg, png = (folder / n for n in ("index.html", "roofline.svg", "roofline.png"))
    timed = [row for row in rows if row.cycles]
    figure = draw(timed, roof, title)
    svg.write_text(_svg(figure, transparent=False), encoding="utf-8")
    figure.savefig(png, dpi=PNG_DPI)
    page.write_text(_page(timed, roof, title, _svg(figure, transparent=True)), encoding="utf-8")
    return [page, svg, png]


def _svg(figure: Figure, *, transparent: bool) -> str:
    text = io.StringIO()
    # Text stays text, and the same run gives the same file.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "tessera"}):
        figure.savefig(text, format="svg", metadata={"Date": None}, transparent=transparent)
    return text.getvalue()


def _page(rows: Sequence[LayerRow], roof: Roof, title: str, svg: str) -> str:
    shown = uses(rows)
    total = total_row(rows)
    everything = [*rows, total]
    return fill(
        TEMPLATE,
        title,
        summary=escape(_summary(total, roof)),
        # Inline, the figure takes the page's text colour.
        figure=svg[svg.index("<svg") :].replace("#000000", "currentColor"),
        legend="\n".join(_legend(shown)),
        bars="\n".join(_bar(row, shown) for row in everything),
        layer_head=table_row(LAYER_HEADINGS, "th"),
        layers="\n".join(table_row(_layer_cells(row, roof)) for row in everything),
        use_head=table_row(["op", *(use.name.lower() for use in shown)], "th"),
        uses="\n".join(table_row([row.name, *percentages(row, shown)]) for row in everything),
    )


def _summary(total: LayerRow, roof: Roof) -> str:
    compute = total.macs / roof.peak
    transfer = max(total.bytes_read, total.bytes_written) / roof.bandwidth
    return (
        f"{total.cycles or 0:,} cycles for {total.macs:,} MACs, "
        f"{total.share(Use.USEFUL):.1%} of what the array can do. The array alone needs "
        f"{compute:,.0f} cycles ({roof.peak} MACs per cycle), memory alone {transfer:,.0f} "
        f"({roof.bandwidth:g} bytes per cycle)."
    )


def _legend(shown: Iterable[Use]) -> Iterator[str]:
    for use in shown:
        name = use.name.lower()
        color = f'<i style="background:{COLORS[use]}"></i>'
        yield f"<li>{color}<b>{name}</b> {escape(USE_DOC[use])}</li>"


def _bar(row: LayerRow, shown: Iterable[Use]) -> str:
    parts = "".join(
        f'<i style="width:{row.share(use):.4%};background:{COLORS[use]}" '
        f'title="{use.name.lower()}: {row.share(use):.1%}, {row.spent[use]:,.2f} cycles"></i>'
        for use in shown
    )
    return (
        f'<div title="{escape(row.node)}">{escape(row.name)}</div>'
        f'<div class="number">{row.cycles or 0:,}</div><div class="bar">{parts}</div>'
    )


LAYER_HEADINGS = (
    "op",
    "ONNX node",
    "cycles",
    "MACs",
    "bytes in",
    "bytes out",
    "MACs/byte",
    "MACs/cycle",
    "of the roof",
)


def _layer_cells(row: LayerRow, roof: Roof) -> list[str]:
    rate, intensity = row.macs_per_cycle, row.intensity
    counts = (row.cycles, row.macs, row.bytes_read, row.bytes_written)
    return [
        row.name,
        row.node,
        *(f"{count:,}" if count else "" for count in counts),
        f"{intensity:,.2f}" if intensity else "",
        f"{rate:,.1f}" if rate else "",
        f"{rate / roof.at(intensity):.1%}" if rate and intensity else "",
    ]
