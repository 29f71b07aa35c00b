# SPDX-License-Identifier: Apache-2.0
"""LOAD and STORE: strided copies between memory windows and SRAMs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from accel.isa import Sram
from accel.model.state import State


def load(state: State, v: Mapping[str, int]) -> None:
    """Copy rows from a memory window to an SRAM."""
    for memory, sram in _rows(v):
        source = state.bus(v["window"], memory, v["row_bytes"], write=False)
        state.sram(Sram(v["sram"]), sram, v["row_bytes"])[:] = source


def store(state: State, v: Mapping[str, int]) -> None:
    """Copy rows from the ACT SRAM to a memory window."""
    for memory, sram in _rows(v):
        source = state.sram(Sram.ACT, sram, v["row_bytes"])
        state.bus(v["window"], memory, v["row_bytes"], write=True)[:] = source


def _rows(v: Mapping[str, int]) -> Iterator[tuple[int, int]]:
    """(memory offset, SRAM address) of each row."""
    for plane in range(v["planes"]):
        for row in range(v["rows"]):
            yield (
                v["offset"] + plane * v["plane_stride"] + row * v["row_stride"],
                v["sram_addr"] + plane * v["sram_plane_stride"] + row * v["sram_row_stride"],
            )
