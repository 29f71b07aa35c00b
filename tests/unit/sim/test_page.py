# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from sim.attribution import USE_DOC, Use
from sim.page import COLORS, write_report
from sim.report import LayerRow, layer_rows
from sim.roofline import Roof
from tests.unit.sim.rows import PROFILE, program

ROOF = Roof(peak=256, bandwidth=16)
ROWS = [*layer_rows(program(), PROFILE, 256), LayerRow("Softmax", "Softmax", "a<b", "host")]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("page") / "new"
    index, svg, png = write_report(folder, ROWS, ROOF, "net <1>")
    with Image.open(png) as image:
        assert image.size == (1350, 825)
    assert "conv_0" in svg.read_text(encoding="utf-8")
    return index.read_text(encoding="utf-8")


def test_the_page_needs_nothing_else(page: str) -> None:
    """No script, no reference to another file; namespaces are only names."""
    assert not re.search(r"<script|<link|src=|@import|url\((?!#)", page)
    assert "<svg" in page
    assert "net &lt;1&gt;" in page


def test_a_bar_fills_its_width(page: str) -> None:
    bars = re.findall(r'<div class="bar">(.*?)</div>', page)
    assert len(bars) == 4  # three rows and the total
    for bar in bars:
        widths = [float(width) for width in re.findall(r"width:([\d.]+)%", bar)]
        assert sum(widths) == pytest.approx(100, abs=1e-3)


def test_the_legend_explains_what_the_bars_show(page: str) -> None:
    for use in (Use.USEFUL, Use.EDGE, Use.WEIGHT, Use.LOAD, Use.VECTOR, Use.DRAIN):
        assert USE_DOC[use] in page
    assert USE_DOC[Use.ACCUMULATOR] not in page


def test_every_use_has_a_colour_of_its_own() -> None:
    assert len(set(COLORS.values())) == len(COLORS) == len(Use)


def test_the_same_run_gives_the_same_files(tmp_path: Path, page: str) -> None:
    again = write_report(tmp_path / "again", ROWS, ROOF, "net <1>")
    assert again[0].read_text(encoding="utf-8") == page


def test_a_run_without_the_array_has_a_page_too(tmp_path: Path) -> None:
    page = write_report(tmp_path, ROWS[-1:], ROOF, "host only")[0]
    assert "0 cycles" in page.read_text(encoding="utf-8")
