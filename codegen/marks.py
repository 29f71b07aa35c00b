# SPDX-License-Identifier: Apache-2.0
"""Remember for every byte of every memory which step touched it last."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from accel.config import AccelConfig
from accel.footprint import Space, Span


class Marks:
    """A number for every granule of every space, 0 at first; numbers only grow."""

    def __init__(self, config: AccelConfig) -> None:
        self._granule = min(config.k_lanes, config.bus_bytes)
        self._values: dict[tuple[type, Space], npt.NDArray[np.int64]] = {}

    def latest(self, spans: Iterable[Span]) -> int:
        """Largest number in `spans`."""
        best = 0
        for span in spans:
            values = self._values.get(_key(span.space))
            if values is not None:
                part = values[span.start // self._granule : -(-span.stop // self._granule)]
                if part.size:
                    best = max(best, int(part.max()))
        return best

    def mark(self, spans: Iterable[Span], number: int) -> None:
        """Set `spans` to `number`."""
        for span in spans:
            first, stop = span.start // self._granule, -(-span.stop // self._granule)
            values = self._values.get(_key(span.space))
            if values is None or values.size < stop:
                grown = np.zeros(max(stop, 2 * (0 if values is None else values.size)), np.int64)
                if values is not None:
                    grown[: values.size] = values
                self._values[_key(span.space)] = values = grown
            values[first:stop] = number


def _key(space: Space) -> tuple[type, Space]:
    """Sram.WEIGHT and Window.INPUTS are both 1, and equal: their types tell them apart."""
    return type(space), space
