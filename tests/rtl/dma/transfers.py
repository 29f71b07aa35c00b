# SPDX-License-Identifier: Apache-2.0
"""Commands for the DMA units, legal and illegal, and the windows they run in."""

from __future__ import annotations

import random
from dataclasses import replace

from accel.codec import Instruction
from accel.config import AccelConfig
from accel.isa import Sram
from accel.model.state import OpenWindow
from tests.rtl.clocked import join

MEMORY_BYTES = 1 << 16
CONFIG = AccelConfig(act_kib=8, weight_kib=4, param_kib=1, act_banks=8)
"""Sizes of the SRAMs in these benches; the bus width varies."""
WINDOWS = [
    OpenWindow(0x0, 0x3FF0, read=True, write=False),
    OpenWindow(0x4100, 0x5F00, read=True, write=True),
    OpenWindow(0xA000, 0x4000, read=False, write=True),
    OpenWindow(),
]


def config_for(bus_bytes: int) -> AccelConfig:
    return replace(CONFIG, bus_bytes=bus_bytes)


def window_bits(windows: list[OpenWindow]) -> int:
    """The value of `window_i`."""
    return join([w.base << 34 | w.size << 2 | w.read << 1 | w.write for w in windows], 98)


def transfer(name: str, number: int, **fields: int) -> Instruction:
    """A LOAD or STORE of one 64-byte row, with these fields changed."""
    values = {
        "id": number, "window": 1, "offset": 0, "sram_addr": 0, "row_bytes": 64, "rows": 1,
        "row_stride": 0, "sram_row_stride": 0, "planes": 1, "plane_stride": 0,
        "sram_plane_stride": 0,
    }  # fmt: skip
    return Instruction(name, values | ({"sram": Sram.ACT} if name == "LOAD" else {}) | fields)


def random_transfer(name: str, number: int, config: AccelConfig, windows: list[int]) -> Instruction:
    """A legal transfer inside one of these windows and its SRAM; rows do not overlap."""
    bus = config.bus_bytes
    sram = random.choice(list(Sram)) if name == "LOAD" else Sram.ACT
    room = config.sram_bytes(sram)
    window = random.choice(windows)
    memory, inner = _shape(WINDOWS[window].size // bus, room // bus)
    fields = {name: size * bus for name, size in (memory | inner).items()}
    counts = {"rows": fields.pop("rows") // bus, "planes": fields.pop("planes") // bus}
    kind = {"sram": sram} if name == "LOAD" else {}
    return transfer(name, number, window=window, **fields, **counts, **kind)


def _shape(memory_room: int, sram_room: int) -> tuple[dict[str, int], dict[str, int]]:
    """Random sizes, strides and starts in beats, for memory and SRAM."""
    while True:
        row, rows, planes = random.choice([(1, 9, 4), (4, 6, 3), (37, 3, 2), (90, 1, 1)])
        row, rows, planes = (random.randint(1, n) for n in (row, rows, planes))
        strides = []
        for _ in range(2):
            row_stride = row + random.choice([0, 0, 1, 5])
            plane_stride = rows * row_stride + random.choice([0, 3])
            strides.append((row_stride, plane_stride))
        sizes = [(planes - 1) * p + (rows - 1) * r + row for r, p in strides]
        if sizes[0] <= memory_room and sizes[1] <= sram_room:
            break
    shape = {"row_bytes": row, "rows": rows, "planes": planes}
    return shape | {
        "offset": random.randint(0, memory_room - sizes[0]),
        "row_stride": strides[0][0],
        "plane_stride": strides[0][1],
    }, {
        "sram_addr": random.randint(0, sram_room - sizes[1]),
        "sram_row_stride": strides[1][0],
        "sram_plane_stride": strides[1][1],
    }
