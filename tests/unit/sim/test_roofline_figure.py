# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text

from sim.attribution import attribute
from sim.report import LayerRow
from sim.roofline import Roof
from sim.roofline_figure import draw

ROOF = Roof(peak=256, bandwidth=16)


def row(name: str, macs: int, read: int, cycles: int) -> LayerRow:
    spent = attribute([], macs, ROOF.peak)
    return LayerRow(name, "conv", name, "accelerator", macs, read, 0, cycles, spent)


def names(figure: Figure) -> list[Annotation]:
    return [child for child in figure.axes[0].get_children() if isinstance(child, Annotation)]


def test_layers_and_network_lie_at_their_intensity_and_rate() -> None:
    figure = draw([row("a", 25_600, 100, 100), row("b", 6_400, 1600, 100)], ROOF, "title")
    layers, network = (
        drawn.get_offsets().tolist()
        for drawn in figure.axes[0].collections
        if isinstance(drawn, PathCollection) and len(drawn.get_offsets())
    )
    assert layers == [[256, 256], [4, 64]]
    assert network == [[32_000 / 1700, 160]]
    assert {name.get_text() for name in names(figure)} == {"a", "b"}


def test_names_of_a_crowd_do_not_overlap() -> None:
    crowd = [row(f"conv2d_{i}", 25_000 + 10 * i, 100 + i, 100 + i) for i in range(60)]
    figure = draw(crowd, ROOF, "title")
    figure.draw_without_rendering()
    boxes = [Text.get_window_extent(name) for name in names(figure)]  # without the lines
    assert len(boxes) >= 10
    for i, box in enumerate(boxes):
        assert not box.count_overlaps(boxes[i + 1 :])


def test_a_run_without_the_array_still_has_its_roof() -> None:
    figure = draw([], ROOF, "title")
    assert not names(figure)
    assert figure.axes[0].get_lines()
