# SPDX-License-Identifier: Apache-2.0
"""The command stream while it is being built: steps, constants, and what the SRAMs hold."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from accel.codec import Instruction
from accel.config import AccelConfig
from accel.isa import TABLE_BYTES, Sram
from accel.program import Window
from codegen import ir
from codegen.geometry import split_evenly
from codegen.plan import Memory
from codegen.recipe import DEFAULT, Recipe

PIECE_BYTES = 2048
"""Transfers are not cut into pieces smaller than that."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command of the stream, tokens not yet assigned."""

    instruction: Instruction
    layer: int
    """Index of the op it belongs to."""


@dataclass(frozen=True, slots=True)
class View:
    """Rows of a tensor in the activation SRAM."""

    address: int
    """Of row `first`, pixel 0, first channel block; bytes."""
    first: int
    plane: int
    pitch: int
    word: int
    """Bytes of a pixel: K."""

    def at(self, row: int, pixel: int, block: int = 0) -> int:
        """Address of a pixel's word."""
        return (
            self.address + block * self.plane + (row - self.first) * self.pitch + pixel * self.word
        )


@dataclass(frozen=True, slots=True)
class Band:
    """A band of output rows with the SRAM views its commands use."""

    rows: tuple[int, int]
    """(first, count) output rows."""
    blocks: tuple[int, int]
    """(first, count) channel blocks of K; block 0 of each view is the first of them."""
    inputs: tuple[View, ...]
    output: View


@dataclass(slots=True)
class Ring:
    """A cache over an SRAM, filled round and round: what was loaded last stays longest."""

    size: int
    position: int = 0
    held: dict[Hashable, tuple[int, int]] = field(default_factory=dict)

    def find(self, key: Hashable) -> int | None:
        """Address of `key` if it is still there."""
        return self.held[key][0] if key in self.held else None

    def reserve(self, key: Hashable, size: int) -> int:
        """Make room for `key` at the ring's position, dropping what was there."""
        if self.position + size > self.size:
            self.position = 0
        start, stop = self.position, self.position + size
        self.held = {k: v for k, v in self.held.items() if v[1] <= start or v[0] >= stop}
        self.held[key] = (start, stop)
        self.position = stop
        return start

    def make_room(self, total: int) -> None:
        """Start over at 0 where `total` bytes would otherwise wrap onto themselves."""
        if total <= self.size < self.position + total:
            self.position = 0


class Stream:
    """Appends steps in an order in which the plain serial execution is correct."""

    def __init__(self, config: AccelConfig, recipe: Recipe = DEFAULT) -> None:
        self.config = config
        self.recipe = recipe
        self.steps: list[Step] = []
        self.constants = bytearray()
        self.weights = Ring(config.weight_bytes)
        self.params = Ring(config.param_bytes)
        self.tables = Ring(config.table_bytes)
        self.layer = 0
        self._offsets: dict[Hashable, int] = {}

    def append(self, name: str, **values: int) -> None:
        """Add a command of the current layer."""
        self.steps.append(Step(Instruction(name, values), self.layer))

    def constant(self, sram: Sram, key: Hashable, data: npt.NDArray[np.uint8]) -> int:
        """Make sure that constant `key` of the current layer is in an SRAM.

        Args:
            sram: WEIGHT, PARAM or TABLE.
            key: names the data within the layer.
            data: its bytes, a multiple of the bus width.

        Returns:
            Its address there.
        """
        rings = {Sram.WEIGHT: self.weights, Sram.PARAM: self.params, Sram.TABLE: self.tables}
        ring = rings[sram]
        key = (self.layer, sram, key)
        address = ring.find(key)
        if address is not None:
            return address
        address = ring.reserve(key, data.size)
        if key not in self._offsets:
            self._offsets[key] = len(self.constants)
            self.constants += data.tobytes()
            self.constants += bytes(-len(self.constants) % max(64, self.config.bus_bytes))
        place = Memory(Window.CONSTANTS, self._offsets[key])
        self._transfer("LOAD", place, address, sram=sram, **_rows(data.size))
        return address

    def weights_from(
        self, memory: Memory, key: Hashable, size: int, shape: Mapping[str, int]
    ) -> int:
        """Make sure that a part of an activation is in the weight SRAM; returns its address.

        Args:
            memory: its first byte.
            key: names the part within the layer.
            size: its bytes.
            shape: row and plane fields of the LOAD.
        """
        key = (self.layer, key)
        address = self.weights.find(key)
        if address is None:
            address = self.weights.reserve(key, size)
            self._transfer("LOAD", memory, address, sram=Sram.WEIGHT, **shape)
        return address

    def table(self, table: ir.Table | None) -> int:
        """Value of the `use_table` field for an op's table; loads it if it is not there."""
        if table is None:
            return 0
        return 1 + self.constant(Sram.TABLE, "table", table.view(np.uint8)) // TABLE_BYTES

    def load(
        self,
        memory: Memory,
        memory_view: View,
        view: View,
        rows: tuple[int, int],
        blocks: tuple[int, int],
    ) -> None:
        """Bring rows of a tensor from memory to the activation SRAM.

        Args:
            memory: where the tensor is in memory.
            memory_view: its layout there, relative to `memory`.
            view: its rows in the SRAM; block 0 of the view is the first of `blocks`.
            rows: (first, count).
            blocks: (first, count).
        """
        for place, address, size in self._pieces(memory, memory_view, view, rows, blocks):
            shape = _rows(size, blocks[1], memory_view.plane, view.plane)
            self._transfer("LOAD", place, address, sram=Sram.ACT, **shape)

    def store(
        self,
        memory: Memory,
        memory_view: View,
        view: View,
        rows: tuple[int, int],
        blocks: tuple[int, int],
    ) -> None:
        """Write rows of a tensor from the activation SRAM to memory; arguments as in `load`."""
        for place, address, size in self._pieces(memory, memory_view, view, rows, blocks):
            shape = _rows(size, blocks[1], memory_view.plane, view.plane)
            self._transfer("STORE", place, address, **shape)

    def _pieces(
        self,
        memory: Memory,
        memory_view: View,
        view: View,
        rows: tuple[int, int],
        blocks: tuple[int, int],
    ) -> Iterator[tuple[Memory, int, int]]:
        """Cut a transfer by rows: (place in memory, SRAM address, bytes of a plane)."""
        first, count = rows
        total = count * view.pitch * blocks[1]
        pieces = max(1, min(self.recipe.pieces, total // PIECE_BYTES, count))
        for start, part in split_evenly(count, -(-count // pieces)):
            offset = memory.offset + memory_view.at(first + start, 0, blocks[0])
            place = Memory(memory.window, offset)
            yield place, view.at(first + start, 0), part * view.pitch

    def _transfer(self, name: str, memory: Memory, address: int, **values: int) -> None:
        one_plane = {"planes": 1, "plane_stride": 0, "sram_plane_stride": 0}
        self.append(
            name,
            window=memory.window,
            offset=memory.offset,
            sram_addr=address,
            **(one_plane | values),
        )


def _rows(size: int, count: int = 1, stride: int = 0, sram_stride: int = 0) -> dict[str, int]:
    """Row fields of a transfer; rows without gaps are one row, which takes fewer bursts."""
    if count > 1 and stride == sram_stride == size:
        return _rows(size * count)
    strides = {"row_stride": stride, "sram_row_stride": sram_stride} if count > 1 else {}
    return {"row_bytes": size, "rows": count, "row_stride": 0, "sram_row_stride": 0} | strides
