# SPDX-License-Identifier: Apache-2.0
"""Commands of one band of a pooling or an element-wise addition or product."""

from __future__ import annotations

from accel.isa import PoolKind
from codegen import ir
from codegen.bands import Bands, Reach
from codegen.geometry import Box, split_evenly
from codegen.stream import Band, Stream

PIECES = 4
"""A band is cut into up to this many commands, so that neighbours overlap with it."""


def _boxes(rows: tuple[int, int], geometry: Bands) -> list[Box]:
    pieces = split_evenly(rows[1], min(-(-rows[1] // PIECES), geometry.tallest))
    return [Box(rows[0] + y, 0, h, geometry.width) for y, h in pieces]


def _output(band: Band, box: Box, tail: ir.Tail) -> dict[str, int]:
    view = band.output
    return {
        "blocks": band.blocks[1],
        "out_addr": view.at(box.y, box.x),
        "out_plane": view.plane,
        "out_pitch": view.pitch,
        "out_step": view.word,
        "out_h": box.h,
        "out_w": box.w,
        "out_zp": tail.zero_point,
        "clip_lo": tail.lo,
        "clip_hi": tail.hi,
    }


def pool_band(stream: Stream, pool: ir.Pool, geometry: Bands, band: Band) -> None:
    """Emit the commands of a band."""
    view = band.inputs[0]
    average = pool.kind is ir.PoolKind.AVERAGE
    for box in _boxes(band.rows, geometry):
        image, row = geometry.locate(box.y)
        y = geometry.vertical.needed(row, box.h)
        x = geometry.horizontal.needed(box.x, box.w)
        stream.append(
            "POOL",
            in_addr=view.at(image * geometry.vertical.size + y.first, x.first),
            in_plane=view.plane,
            in_pitch=view.pitch,
            in_h=y.count,
            in_w=x.count,
            pad_top=y.pad,
            pad_left=x.pad,
            kernel_h=pool.window.kernel[0],
            kernel_w=pool.window.kernel[1],
            stride_y=pool.window.stride[0],
            stride_x=pool.window.stride[1],
            kind=PoolKind.AVERAGE if average else PoolKind.MAX,
            rounding=pool.requant.rounding,
            use_table=stream.table(pool.table),
            bias=int(pool.requant.bias[0]) if average else 0,
            multiplier=int(pool.requant.multiplier[0]) if average else 0,
            shift=int(pool.requant.shift[0]) if average else 1,
            **_output(band, box, pool.requant.tail),
        )


def element_band(stream: Stream, op: ir.Add | ir.Mul, geometry: Bands, band: Band) -> None:
    """Emit the commands of a band."""
    a, b = band.inputs
    rule, reach = op.rule, geometry.operands[1].reach
    repeat = reach is Reach.IMAGE
    for box in _boxes(band.rows, geometry):
        first, _ = geometry.input_rows(reach, box.y, box.h)
        common = {
            "a_addr": a.at(box.y, box.x),
            "a_plane": a.plane,
            "a_pitch": a.pitch,
            "b_addr": b.at(first, 0 if repeat else box.x),
            "b_plane": b.plane,
            "b_pitch": 0 if repeat else b.pitch,
            "b_repeat": int(repeat),
            "a_zp": rule.a_zp,
            "b_zp": rule.b_zp,
            "shift": rule.shift,
            "rounding": rule.rounding,
            "use_table": stream.table(op.table),
            **_output(band, box, rule.tail),
        }
        if isinstance(rule, ir.MulRule):
            stream.append("MUL", multiplier=rule.multiplier, **common)
        else:
            stream.append(
                "ADD",
                a_mult=rule.a_mult,
                b_mult=rule.b_mult,
                a_shift=rule.a_shift,
                b_shift=rule.b_shift,
                sum_mult=rule.sum_mult,
                **common,
            )
