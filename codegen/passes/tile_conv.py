# SPDX-License-Identifier: Apache-2.0
"""Commands of one band of a convolution."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np
import numpy.typing as npt

from accel.config import AccelConfig
from accel.isa import ConvMode, Sram
from codegen import ir
from codegen.bands import Bands
from codegen.feed import Feed, feed
from codegen.geometry import Box, pixel_tiles, split_evenly
from codegen.stream import Band, Stream, View
from codegen.weights import Grouping, grouping, pack_params, pack_weights

FEW, FINE_CHUNKS = 4, 32
"""With 1 / FEW of K pixels or less, weight chunks are at most 1 / FINE_CHUNKS of the weight SRAM.
There the array works no faster than weights arrive: it starts with the first chunk, and ends a
chunk after the last has come. But queues are short, so that small chunks load less far ahead."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Weights of one CONV: n-blocks, kernel rows and input channel blocks, each (first, count)."""

    n: tuple[int, int]
    ky: tuple[int, int]
    cb: tuple[int, int]
    first: bool = True
    last: bool = True


def chunks(
    n_blocks: int,
    kernel: tuple[int, int],
    cin_blocks: int,
    config: AccelConfig,
    share: int,
    fine: bool = False,
) -> Iterator[tuple[Chunk, ...]]:
    """Cut weights into groups of chunks; the chunks of a group add up in the accumulators.

    Args:
        n_blocks: output channel blocks.
        kernel: kernel rows and columns.
        cin_blocks: input channel blocks.
        config: the hardware.
        share: a chunk is at most 1 / share of the weight SRAM (a single n-block may be more).
        fine: keep to that even if it splits an n-block.
    """
    tile = config.weight_tile_bytes
    block = kernel[0] * kernel[1] * cin_blocks * tile
    limit = config.weight_bytes // share
    if 2 * block <= config.weight_bytes and not (fine and block > limit):
        for n in split_evenly(n_blocks, _most_n_blocks(block, limit, config)):
            yield (Chunk(n, (0, kernel[0]), (0, cin_blocks)),)
        return
    fits = limit // (kernel[0] * kernel[1] * tile)
    rows = (
        [(0, kernel[0])] if fits else split_evenly(kernel[0], max(1, limit // (kernel[1] * tile)))
    )
    parts = [(ky, cb) for cb in split_evenly(cin_blocks, max(1, fits)) for ky in rows]
    end = len(parts) - 1
    for block_index in range(n_blocks):
        yield tuple(
            Chunk((block_index, 1), ky, cb, i == 0, i == end) for i, (ky, cb) in enumerate(parts)
        )


def _most_n_blocks(block: int, limit: int, config: AccelConfig) -> int:
    records = config.param_bytes // 2 // config.param_record_bytes
    return max(1, min(limit // block, records))


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """A convolution with its constants in consumption order."""

    op: ir.Conv
    in_zp: int
    feed: Feed
    weights: npt.NDArray[np.uint8]
    """As `pack_weights` returns them."""
    records: npt.NDArray[np.uint8]
    """As `pack_params` returns them."""
    grouping: Grouping
    key: int = 0
    """Tells its constants from those of other patches."""


def pack_conv(
    op: ir.Conv, tensors: Mapping[str, ir.Tensor], config: AccelConfig, key: int = 0
) -> Packed:
    """Pack weights and parameters once for all bands."""
    fed = feed(op, tensors, config)
    return Packed(
        op,
        tensors[op.input].zero_point,
        fed,
        pack_weights(op, fed, config),
        pack_params(op.requant, config),
        grouping(op, config) if fed.mode != ConvMode.FOLD else Grouping(0, 1),
        key,
    )


def conv_band(stream: Stream, conv: Packed, geometry: Bands, band: Band) -> None:
    """Emit the commands of a band.

    Weight chunks are the outer loop, pixel tiles the inner one: each chunk is loaded once. Chunks
    that add up in the accumulators come again for every tile, so there the tiles are as large as
    can be.
    """
    config = stream.config
    most = min(config.tile_pixels, geometry.tallest * geometry.width)
    for group in _groups(stream, conv, geometry, band.rows, band.blocks):
        pieces = stream.recipe.tiles if len(group) == 1 else 1
        for box in pixel_tiles(band.rows, geometry.width, most, config.k_lanes, pieces):
            for chunk in group:
                stream.append(
                    "CONV",
                    weight_addr=_weights(stream, conv, chunk),
                    param_addr=_params(stream, conv, chunk),
                    in_group=conv.grouping.step * band.inputs[0].plane,
                    in_zp=conv.in_zp,
                    centered=0,
                    weight_zp=0,
                    transposed=0,
                    use_table=stream.table(conv.op.table),
                    **_input(conv, geometry, box, chunk, band.inputs[0]),
                    **_output(conv.op, box, chunk, band, config),
                    **_residual(conv.op, box, chunk, band, config),
                )


def load_first_weights(
    stream: Stream,
    conv: Packed,
    geometry: Bands,
    rows: tuple[int, int],
    blocks: tuple[int, int],
) -> None:
    """Load what the first command of a band needs, so that its pixels do not come long before."""
    chunk = next(iter(_groups(stream, conv, geometry, rows, blocks)))[0]
    _weights(stream, conv, chunk)
    if chunk.last:
        _params(stream, conv, chunk)


def _groups(
    stream: Stream,
    conv: Packed,
    geometry: Bands,
    rows: tuple[int, int],
    blocks: tuple[int, int],
) -> Iterator[tuple[Chunk, ...]]:
    """Groups of chunks for output channel blocks of a band of rows."""
    config = stream.config
    first, count = (number // config.words_per_vector for number in blocks)
    _, steps_h, steps_w, cin_blocks = conv.weights.shape[:4]
    few = FEW * rows[1] * geometry.width <= config.k_lanes
    fine = few and conv.feed.mode == ConvMode.DENSE
    share = FINE_CHUNKS if fine else stream.recipe.chunks
    for group in chunks(count, (steps_h, steps_w), cin_blocks, config, share, fine):
        yield tuple(replace(chunk, n=(first + chunk.n[0], chunk.n[1])) for chunk in group)


def _weights(stream: Stream, conv: Packed, chunk: Chunk) -> int:
    """Address of the chunk's weight tiles."""
    rows, blocks = slice(chunk.ky[0], sum(chunk.ky)), slice(chunk.cb[0], sum(chunk.cb))
    data = conv.weights[chunk.n[0] : sum(chunk.n), rows, :, blocks]
    return stream.constant(Sram.WEIGHT, (conv.key, chunk), data.reshape(-1))


def _params(stream: Stream, conv: Packed, chunk: Chunk) -> int:
    """Address of the chunk's first parameter record; loads all of the op's where they fit."""
    config, records = stream.config, conv.records
    if records.size <= config.param_bytes // 4:
        base = stream.constant(Sram.PARAM, (conv.key, "all"), records.reshape(-1))
        return base + chunk.n[0] * config.param_record_bytes
    data = records[chunk.n[0] : sum(chunk.n)]
    return stream.constant(Sram.PARAM, (conv.key, chunk.n), data.reshape(-1))


def _input(conv: Packed, geometry: Bands, box: Box, chunk: Chunk, view: View) -> dict[str, int]:
    window, block = conv.op.window, conv.grouping.step * chunk.n[0] + chunk.cb[0]
    image, row = geometry.locate(box.y)
    rows = chunk.ky if conv.feed.mode == ConvMode.DENSE else (0, window.kernel[0])
    vertical = geometry.vertical.part(*rows)
    y = vertical.needed(row, box.h)
    x = geometry.horizontal.needed(box.x, box.w)
    return {
        "in_addr": view.at(image * geometry.vertical.size + y.first, x.first, block),
        "in_plane": view.plane,
        "in_pitch": view.pitch,
        "in_h": y.count,
        "in_w": x.count,
        "pad_top": y.pad,
        "pad_left": x.pad,
        "kernel_h": rows[1],
        "kernel_w": window.kernel[1],
        "stride_y": window.stride[0],
        "stride_x": window.stride[1],
        "dilation_y": window.dilation[0],
        "dilation_x": window.dilation[1],
        "cin_blocks": chunk.cb[1],
        **asdict(conv.feed),
    }


def _output(
    conv: ir.Conv, box: Box, chunk: Chunk, band: Band, config: AccelConfig
) -> dict[str, int]:
    tail, view = conv.requant.tail, band.output
    block = chunk.n[0] * config.words_per_vector - band.blocks[0]
    return {
        "n_blocks": chunk.n[1],
        "out_addr": view.at(box.y, box.x, block),
        "out_plane": view.plane,
        "out_pitch": view.pitch,
        "out_step": view.word,
        "out_h": box.h,
        "out_w": box.w,
        "rounding": conv.requant.rounding,
        "first": int(chunk.first),
        "last": int(chunk.last),
        "out_zp": tail.zero_point,
        "clip_lo": tail.lo,
        "clip_hi": tail.hi,
    }


NO_RESIDUAL = {
    "residual": 0,
    "res_addr": 0,
    "res_plane": 0,
    "res_pitch": 0,
    "res_zp": 0,
    "add_self_mult": 0,
    "add_res_mult": 0,
    "add_shift": 1,
    "add_zp": 0,
    "add_lo": 0,
    "add_hi": 0,
}
"""Fields of a CONV to which nothing is added."""


def _residual(
    conv: ir.Conv, box: Box, chunk: Chunk, band: Band, config: AccelConfig
) -> dict[str, int]:
    if conv.add is None:
        return NO_RESIDUAL
    view, rule = band.inputs[1], conv.add
    block = chunk.n[0] * config.words_per_vector - band.blocks[0]
    return {
        "residual": 1,
        "res_addr": view.at(box.y, box.x, block),
        "res_plane": view.plane,
        "res_pitch": view.pitch,
        "res_zp": rule.b_zp,
        "add_self_mult": rule.a_mult,
        "add_res_mult": rule.b_mult,
        "add_shift": rule.shift,
        "add_zp": rule.tail.zero_point,
        "add_lo": rule.tail.lo,
        "add_hi": rule.tail.hi,
    }
