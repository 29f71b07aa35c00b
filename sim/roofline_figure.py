# SPDX-License-Identifier: Apache-2.0
"""Draw the roofline: layers and network as points, with names that do not overlap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from sim.report import LayerRow, total_row
from sim.roofline import Point, Roof, points

Floats = Sequence[float] | npt.NDArray[np.float64]

ROOF, LAYER, NETWORK = "#7d8590", "#2f81c1", "#d1495b"
"""Colours that carry on white and on dark grounds."""
AREA_LINE, AREA_MIN, AREA = 4, 30, 900
"""Square points: of the roof's line, the smallest marker, and what all cycles add to it."""
LABEL_PLACES = [(x, sign * y) for y in (13, 26, 39, 52) for x in (0, 36, -36) for sign in (-1, 1)]
"""Where the centre of a name may lie, points from what it names; the best first."""


def draw(rows: Sequence[LayerRow], roof: Roof, title: str) -> Figure:
    """Draw the layers and the whole network under the roof."""
    layers = list(points(rows))
    network = list(points([total_row(rows)]))
    figure = Figure(figsize=(9, 5.5), layout="constrained")
    axes = figure.subplots()
    _set_axes(axes, [*layers, Point("ridge", roof.ridge, roof.peak, 0)])
    axes.set_title(title)
    x = np.sort([*np.geomspace(*axes.get_xlim(), 300), roof.ridge])
    y = [roof.at(intensity) for intensity in x]
    limits = f"roof: {roof.peak} MACs, {roof.bandwidth:g} bytes per cycle"
    axes.plot(x, y, color=ROOF, linewidth=2, label=limits)
    areas = [AREA_MIN + AREA * p.cycles / sum(p.cycles for p in layers) for p in layers]
    _scatter(axes, layers, areas, LAYER, "o", "layer (area: cycles)")
    _scatter(axes, network, [AREA_MIN] * len(network), NETWORK, "D", "whole network")
    legend = axes.legend(loc="lower right", frameon=False)
    figure.draw_without_rendering()  # fixes the layout, which the names measure
    taken = [legend.get_window_extent(), *_boxes(axes, x, y, [AREA_LINE] * len(x))]
    taken += _boxes(axes, *_places(layers + network), areas + [AREA_MIN] * len(network))
    _name(axes, sorted(layers, key=lambda point: -point.cycles), taken)
    return figure


def _set_axes(axes: Axes, shown: Sequence[Point]) -> None:
    x, y = _places(shown)
    axes.set(
        xlabel="operational intensity, MACs per byte",
        ylabel="achieved, MACs per cycle",
        xscale="log",
        yscale="log",
        xlim=(min(x) / 3, max(x) * 3),
        ylim=(min(y) / 2, max(y) * 3),
    )
    axes.grid(which="major", color=ROOF, alpha=0.3, linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:g}")


def _places(shown: Sequence[Point]) -> tuple[list[float], list[float]]:
    return [point.intensity for point in shown], [point.rate for point in shown]


def _scatter(
    axes: Axes, shown: Sequence[Point], areas: Sequence[float], color: str, marker: str, label: str
) -> None:
    """One kind of point, with an entry of its own in the legend, as the areas differ."""
    axes.scatter(*_places(shown), s=areas, color=color, alpha=0.75, marker=marker, zorder=3)
    axes.scatter([], [], s=50, color=color, marker=marker, label=label)


def _boxes(axes: Axes, x: Floats, y: Floats, areas: Floats) -> list[Bbox]:
    """What markers of these areas cover, in pixels."""
    centres = axes.transData.transform(np.column_stack([x, y]))
    halves = np.sqrt(areas) / 2 * axes.figure.dpi / 72
    return [Bbox([c - half, c + half]) for c, half in zip(centres, halves, strict=True)]


def _name(axes: Axes, named: Sequence[Point], taken: list[Bbox]) -> None:
    """Name the points, the first ones first, where there is room."""
    pixels = axes.figure.dpi / 72
    line: dict[str, Any] = {"arrowstyle": "-", "color": ROOF, "linewidth": 0.6, "shrinkA": 0}
    style: dict[str, Any] = {"textcoords": "offset points", "ha": "center", "va": "center"}
    for point in named:
        at = point.intensity, point.rate
        probe = axes.annotate(point.name, at, (0, 0), size=8, **style)
        centred = probe.get_window_extent()
        probe.remove()
        for x, y in LABEL_PLACES:
            box = centred.translated(x * pixels, y * pixels)
            inside = axes.bbox.contains(*box.min) and axes.bbox.contains(*box.max)
            if inside and not box.count_overlaps(taken):
                taken.append(box.padded(3))
                axes.annotate(point.name, at, (x, y), size=8, arrowprops=line, **style)
                break
