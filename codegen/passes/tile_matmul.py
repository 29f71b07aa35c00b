# SPDX-License-Identifier: Apache-2.0
"""Commands of one band of a product of two activations.

The second operand is loaded from memory as weights. As it lies there, in channel blocks of K, a
block of K pixels is a weight tile: `b[k, n]` where its pixels are the inner index, the transposed
tile where its pixels are output channels.

    b [64 pixels, 2 heads x 32 channels], transposed:   scores of head h, n-block i, pass j
        = tile (pixels 16 i .. 16 i + 15, channel block 2 h + j)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

import numpy as np

from accel.config import AccelConfig
from accel.isa import Sram
from codegen import ir
from codegen.bands import Bands
from codegen.feed import DENSE
from codegen.geometry import pixel_tiles, split_evenly
from codegen.passes.tile_conv import NO_RESIDUAL
from codegen.plan import Memory, Place
from codegen.stream import Band, Stream
from codegen.weights import pack_params


@dataclass(frozen=True, slots=True)
class _Columns:
    """Output channel blocks of one head: (first, count) of the head's own."""

    image: int
    head: int
    blocks: tuple[int, int]


class MatMulPlan:
    """A product with what its commands need to know."""

    def __init__(
        self,
        op: ir.MatMul,
        tensors: Mapping[str, ir.Tensor],
        b: Place,
        config: AccelConfig,
    ) -> None:
        assert b.memory is not None, "the planner keeps what is read as weights in memory"
        self.op, self.b, self.memory = op, b.layout, b.memory
        self.inner = tensors[op.a].shape[3] // op.heads // config.k_lanes
        self.outer = tensors[op.output].shape[3] // op.heads // config.n_lanes
        self.tile = config.weight_tile_bytes
        self.records = pack_params(_spread(op.requant, config.n_lanes), config)

    def place(self, columns: _Columns) -> Memory:
        """Where the first weight tile of `columns` lies."""
        first, pixels = columns.blocks[0], self.b.rows // self.op.images // self.b.k
        step = self.inner if self.op.transposed else self.outer
        block = columns.head * step + (0 if self.op.transposed else first)
        row = columns.image * pixels + (first if self.op.transposed else 0)
        return Memory(
            self.memory.window, self.memory.offset + block * self.b.plane + row * self.tile
        )

    def transfer(self, columns: _Columns) -> dict[str, int]:
        """Fields of the LOAD that brings the tiles in the order n-block, channel block."""
        count = columns.blocks[1]
        if not self.op.transposed:
            size = self.inner * self.tile
            return _planes(count, self.b.plane, size) | _rows(1, size, 0, 0)
        return _planes(self.inner, self.b.plane, self.tile) | _rows(
            count, self.tile, self.tile, self.inner * self.tile
        )


def _spread(requant: ir.Requant, channels: int) -> ir.Requant:
    """The rule of one channel for `channels` of them."""
    return ir.Requant(
        np.repeat(requant.bias, channels),
        np.repeat(requant.multiplier, channels),
        np.repeat(requant.shift, channels),
        requant.tail,
        requant.rounding,
    )


def _planes(count: int, stride: int, sram_stride: int) -> dict[str, int]:
    return {"planes": count, "plane_stride": stride, "sram_plane_stride": sram_stride}


def _rows(count: int, size: int, stride: int, sram_stride: int) -> dict[str, int]:
    return {"rows": count, "row_bytes": size, "row_stride": stride, "sram_row_stride": sram_stride}


def matmul_band(stream: Stream, product: MatMulPlan, geometry: Bands, band: Band) -> None:
    """Emit the commands of a band: one n-block after the other, as all share one record."""
    config, op = stream.config, product.op
    image, _ = geometry.locate(band.rows[0])
    most = min(config.tile_pixels, geometry.tallest)
    a, tail = band.inputs[0], op.requant.tail
    for columns in _columns(product, image, band.blocks, config):
        size = columns.blocks[1] * product.inner * product.tile
        weights = stream.weights_from(
            product.place(columns), columns, size, product.transfer(columns)
        )
        params = stream.constant(Sram.PARAM, "record", product.records.reshape(-1))
        for box in pixel_tiles(band.rows, 1, most, config.k_lanes, stream.recipe.tiles):
            for i in range(columns.blocks[1]):
                block = columns.head * product.outer + columns.blocks[0] + i - band.blocks[0]
                stream.append(
                    "CONV",
                    **_input(box.h, a.at(box.y, 0, columns.head * product.inner)),
                    in_plane=a.plane,
                    in_pitch=a.pitch,
                    cin_blocks=product.inner,
                    in_zp=op.a_zp,
                    centered=1,
                    weight_zp=op.b_zp,
                    transposed=int(op.transposed),
                    weight_addr=weights + i * product.inner * product.tile,
                    param_addr=params,
                    out_addr=band.output.at(box.y, 0, block),
                    out_plane=band.output.plane,
                    out_pitch=band.output.pitch,
                    out_step=band.output.word,
                    out_h=box.h,
                    out_w=1,
                    rounding=op.requant.rounding,
                    out_zp=tail.zero_point,
                    clip_lo=tail.lo,
                    clip_hi=tail.hi,
                    use_table=stream.table(op.table),
                    **_PLAIN,
                )


def _columns(
    product: MatMulPlan, image: int, blocks: tuple[int, int], config: AccelConfig
) -> Iterator[_Columns]:
    """Cut output channel blocks by heads, and heads by what fits the weight SRAM twice."""
    first, stop = blocks[0], sum(blocks)
    most = max(1, config.weight_bytes // 2 // (product.inner * product.tile))
    while first < stop:
        head, start = divmod(first, product.outer)
        count = min(stop - first, product.outer - start)
        for piece, size in split_evenly(count, most):
            yield _Columns(image, head, (start + piece, size))
        first += count


def _input(rows: int, address: int) -> dict[str, int]:
    return {
        "in_addr": address,
        "in_h": rows,
        "in_w": 1,
        "pad_top": 0,
        "pad_left": 0,
        "kernel_h": 1,
        "kernel_w": 1,
        "stride_y": 1,
        "stride_x": 1,
        "dilation_y": 1,
        "dilation_x": 1,
        "in_group": 0,
        **asdict(DENSE),
    }


_PLAIN = {
    "n_blocks": 1,
    "first": 1,
    "last": 1,
    **NO_RESIDUAL,
}
"""A single n-block without residual."""
