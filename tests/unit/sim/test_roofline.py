# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from accel.config import load_config
from sim.memory import MODELS, MemoryModel
from sim.report import LayerRow
from sim.roofline import Point, Roof, points, roof_of


def row(name: str, macs: int, read: int, cycles: int | None) -> LayerRow:
    return LayerRow(name, "conv", name, "accelerator", macs, read, 0, cycles)


def test_the_roof_is_the_lower_of_array_and_memory() -> None:
    roof = Roof(peak=256, bandwidth=16)
    assert roof.ridge == 16
    assert (roof.at(4), roof.at(16), roof.at(400)) == (64, 256, 256)


@pytest.mark.parametrize(
    ("memory", "bandwidth"),
    [(MODELS["default"], 16), (MODELS["ideal8"], 8), (MemoryModel(bytes_per_cycle=99), 16)],
)
def test_bandwidth_is_of_the_slower_of_bus_and_memory(
    memory: MemoryModel, bandwidth: float
) -> None:
    assert roof_of(load_config("default"), memory) == Roof(256, bandwidth)


def test_points_are_the_rows_that_compute_and_move_bytes() -> None:
    rows = [
        row("a", 1000, 10, 50),
        row("pool", 0, 10, 50),
        row("chip", 9, 0, 5),
        row("m", 9, 9, None),
    ]
    assert list(points(rows)) == [Point("a", 100, 20, 50)]
