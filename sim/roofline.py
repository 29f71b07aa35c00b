# SPDX-License-Identifier: Apache-2.0
"""Roofline: how near each layer comes to what array and memory bus allow.

After Williams, Waterman, Patterson, "Roofline: an insightful visual performance model", CACM 52(4),
2009. A layer moves its bytes once and uses them for its MACs, so it cannot do more MACs per cycle
than the array has multipliers, nor than bandwidth times MACs per byte.

One liberty of the hardware: bytes may be loaded ahead, during earlier layers. A small layer can
then lie above the slope; the whole network cannot.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from accel.config import AccelConfig
from sim.memory import MemoryModel
from sim.report import LayerRow


@dataclass(frozen=True, slots=True)
class Roof:
    """The limits of a configuration behind a memory."""

    peak: int
    """MACs per cycle of the array."""
    bandwidth: float
    """Bytes per cycle, in each direction."""

    @property
    def ridge(self) -> float:
        """MACs per byte from which on the array is the limit."""
        return self.peak / self.bandwidth

    def at(self, intensity: float) -> float:
        """MACs per cycle that are possible with so many MACs per byte."""
        return min(self.peak, self.bandwidth * intensity)


@dataclass(frozen=True, slots=True)
class Point:
    """A layer, or the network, under the roof."""

    name: str
    intensity: float
    """MACs per byte."""
    rate: float
    """MACs per cycle, achieved."""
    cycles: int


def roof_of(config: AccelConfig, memory: MemoryModel) -> Roof:
    """The roof: the array, and the slower of bus and memory."""
    return Roof(config.macs_per_cycle, min(config.bus_bytes, memory.bytes_per_cycle))


def points(rows: Iterable[LayerRow]) -> Iterator[Point]:
    """Rows that use the array and move bytes of their own."""
    for row in rows:
        rate, intensity = row.macs_per_cycle, row.intensity
        if rate is not None and intensity is not None and row.cycles:
            yield Point(row.name, intensity, rate, row.cycles)
