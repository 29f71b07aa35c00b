# SPDX-License-Identifier: Apache-2.0
"""What the accelerator remembers: SRAMs, accumulators, memory windows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accel.config import AccelConfig
from accel.isa import TABLE_BYTES, Cause, Sram
from accel.numerics import look_up
from accel.program import Window

Bytes = npt.NDArray[np.uint8]


class Stop(Exception):
    """The accelerator enters its error state."""

    def __init__(self, cause: Cause, info: int = 0) -> None:
        super().__init__(cause.name)
        self.cause = cause
        self.info = info


@dataclass(frozen=True, slots=True)
class OpenWindow:
    """A memory window as the CSRs describe it."""

    base: int = 0
    size: int = 0
    read: bool = False
    write: bool = False


class State:
    """Memories of one accelerator.

    Args:
        config: hardware size.
        memory: the bus master's memory, from bus address 0.
    """

    def __init__(self, config: AccelConfig, memory: Bytes) -> None:
        self.config = config
        self.memory = memory
        self.windows = [OpenWindow() for _ in Window]
        self.srams = {sram: np.zeros(config.sram_bytes(sram), np.uint8) for sram in Sram}
        self.acc = np.zeros((config.tile_pixels, config.n_lanes), np.int64)

    def sram(self, sram: Sram, address: int, size: int) -> Bytes:
        """View of `size` bytes of an SRAM.

        Raises:
            Stop: SRAM_RANGE.
        """
        data = self.srams[sram]
        if address + size > data.size:
            raise Stop(Cause.SRAM_RANGE, max(address, data.size))
        return data[address : address + size]

    def bus(self, window: int, offset: int, size: int, *, write: bool) -> Bytes:
        """View of `size` bytes of a memory window.

        Raises:
            Stop: WINDOW, or AXI_READ / AXI_WRITE where the bus has no memory.
        """
        opened = self.windows[window]
        if not (opened.write if write else opened.read) or offset + size > opened.size:
            raise Stop(Cause.WINDOW, offset)
        address = opened.base + offset
        if address + size > self.memory.size:
            raise Stop(Cause.AXI_WRITE if write else Cause.AXI_READ, address)
        return self.memory[address : address + size]

    def output(
        self, v: Mapping[str, int], block: int, shape: tuple[int, int, int]
    ) -> npt.NDArray[np.int8]:
        """View of a command's output from channel block `block` on; see `pixels`."""
        address, plane = v["out_addr"] + block * v["out_plane"], v["out_plane"]
        return self.pixels(address, plane, v["out_pitch"], shape, v["out_step"])

    def finished(self, v: Mapping[str, int], y: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
        """Results after the command's table, if it names one."""
        if not v["use_table"]:
            return y
        table = self.sram(Sram.TABLE, (v["use_table"] - 1) * TABLE_BYTES, TABLE_BYTES)
        return look_up(table.view(np.int8), y)

    def pixels(
        self,
        address: int,
        plane: int,
        pitch: int,
        shape: tuple[int, int, int],
        step: int | None = None,
    ) -> npt.NDArray[np.int8]:
        """View of activations as [blocks, rows, pixels, K] int8; pixels are `step` (K) apart.

        Raises:
            Stop: SRAM_RANGE.
        """
        blocks, rows, width = shape
        k = self.config.k_lanes
        step = k if step is None else step
        last = address + (blocks - 1) * plane + (rows - 1) * pitch + (width - 1) * step + k
        self.sram(Sram.ACT, 0, last)
        act = self.srams[Sram.ACT][address:].view(np.int8)
        return np.lib.stride_tricks.as_strided(
            act, (blocks, rows, width, k), (plane, pitch, step, 1), writeable=True
        )
