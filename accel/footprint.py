# SPDX-License-Identifier: Apache-2.0
"""Which bytes a command reads and writes.

The compiler derives tokens from it, so it may name too much but must never miss a byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from accel.codec import Instruction
from accel.config import AccelConfig
from accel.isa import TABLE_BYTES, ConvMode, Sram
from accel.program import Window

Space = Sram | Window
"""An on-chip memory or a memory window."""


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `start` to `stop - 1` of a space."""

    space: Space
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a command touches."""

    reads: tuple[Span, ...] = ()
    writes: tuple[Span, ...] = ()


def footprint(instruction: Instruction, config: AccelConfig) -> Footprint:
    """Bytes that `instruction` touches on hardware of `config`."""
    v = instruction.values
    match instruction.name:
        case "LOAD":
            return Footprint(tuple(_memory_rows(v)), tuple(_sram_rows(v, Sram(v["sram"]))))
        case "STORE":
            return Footprint(tuple(_sram_rows(v, Sram.ACT)), tuple(_memory_rows(v)))
        case "CONV":
            return _conv(v, config)
        case "POOL":
            size = (v["kernel_h"], v["kernel_w"], 1, 1)
            return Footprint(
                (*_windowed(v, size, config, _planes(v)), *_table(v)),
                tuple(_output(v, config, v["blocks"])),
            )
        case "ADD" | "MUL":
            reads = [
                *_rectangle(v, "a", (v["out_h"], v["out_w"], v["blocks"]), config),
                *_rectangle(
                    v, "b", (v["out_h"], 1 if v["b_repeat"] else v["out_w"], v["blocks"]), config
                ),
                *_table(v),
            ]
            return Footprint(tuple(reads), tuple(_output(v, config, v["blocks"])))
    return Footprint()


def _memory_rows(v: Mapping[str, int]) -> Iterator[Span]:
    window = Window(v["window"])
    for plane in range(v["planes"]):
        base = v["offset"] + plane * v["plane_stride"]
        yield from _strided(window, base, v["rows"], v["row_stride"], v["row_bytes"])


def _sram_rows(v: Mapping[str, int], sram: Sram) -> Iterator[Span]:
    for plane in range(v["planes"]):
        base = v["sram_addr"] + plane * v["sram_plane_stride"]
        yield from _strided(sram, base, v["rows"], v["sram_row_stride"], v["row_bytes"])


def _strided(space: Space, base: int, rows: int, stride: int, size: int) -> Iterator[Span]:
    if rows == 1 or stride == size:
        yield Span(space, base, base + rows * size)
        return
    for row in range(rows):
        yield Span(space, base + row * stride, base + row * stride + size)


def _conv(v: Mapping[str, int], config: AccelConfig) -> Footprint:
    planes = {
        n * v["in_group"] + c * v["in_plane"]
        for n in range(v["n_blocks"])
        for c in range(v["cin_blocks"])
    }
    size = (v["kernel_h"], v["kernel_w"], v["dilation_y"], v["dilation_x"])
    reads = list(_windowed(v, size, config, sorted(planes)))
    dense = v["kernel_h"] * v["kernel_w"] * v["cin_blocks"]
    tiles = v["n_blocks"] * (dense if v["mode"] == ConvMode.DENSE else v["passes"])
    weights = v["weight_addr"]
    reads.append(Span(Sram.WEIGHT, weights, weights + tiles * config.weight_tile_bytes))
    if not v["last"]:
        return Footprint(tuple(reads))
    params = v["param_addr"]
    reads.append(Span(Sram.PARAM, params, params + v["n_blocks"] * config.param_record_bytes))
    count = v["n_blocks"] * config.words_per_vector
    if v["residual"]:
        reads += _rectangle(v, "res", (v["out_h"], v["out_w"], count), config)
    reads += _table(v)
    return Footprint(tuple(reads), tuple(_output(v, config, count)))


def _windowed(
    v: Mapping[str, int],
    kernel: tuple[int, int, int, int],
    config: AccelConfig,
    planes: Iterable[int],
) -> Iterator[Span]:
    """Input rows that exist and are under the window, for each channel block."""
    height, _, dilation, _ = kernel
    low = max(0, -v["pad_top"])
    high = (v["out_h"] - 1) * v["stride_y"] - v["pad_top"] + (height - 1) * dilation + 1
    stop = min(v["in_h"], high)
    if stop <= low:
        return
    width = v["in_w"] * (v["channels"] if v.get("mode") == ConvMode.FOLD else config.k_lanes)
    for plane in planes:
        base = v["in_addr"] + plane
        yield Span(
            Sram.ACT,
            base + low * v["in_pitch"],
            base + (stop - 1) * v["in_pitch"] + width,
        )


def _planes(v: Mapping[str, int]) -> Iterable[int]:
    return (block * v["in_plane"] for block in range(v["blocks"]))


def _table(v: Mapping[str, int]) -> Iterator[Span]:
    if v["use_table"]:
        yield Span(Sram.TABLE, (v["use_table"] - 1) * TABLE_BYTES, v["use_table"] * TABLE_BYTES)


def _output(v: Mapping[str, int], config: AccelConfig, planes: int) -> Iterator[Span]:
    return _rectangle(v, "out", (v["out_h"], v["out_w"], planes), config)


def _rectangle(
    v: Mapping[str, int], name: str, size: tuple[int, int, int], config: AccelConfig
) -> Iterator[Span]:
    """First to last byte of a rectangle of pixels in consecutive channel blocks."""
    rows, pixels, planes = size
    step = v.get(f"{name}_step", config.k_lanes)
    length = (rows - 1) * v[f"{name}_pitch"] + (pixels - 1) * step + config.k_lanes
    for plane in range(planes):
        base = v[f"{name}_addr"] + plane * v[f"{name}_plane"]
        yield Span(Sram.ACT, base, base + length)
