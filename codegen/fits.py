# SPDX-License-Identifier: Apache-2.0
"""Can the hardware execute this op at its smallest tile? If not, why, and what would admit it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from accel.config import KIB, AccelConfig
from accel.isa import BY_NAME
from codegen import ir
from codegen.bands import Bands, Reach, bands, layout_of, window
from codegen.weights import grouping


def reason(op: ir.Op, tensors: Mapping[str, ir.Tensor], config: AccelConfig) -> str:
    """Why `op` cannot run on this configuration, with values and a remedy; "" when it can."""
    convolves = isinstance(op, ir.Conv) or (isinstance(op, ir.Mosaic) and op.convolves)
    if not convolves and not config.vector:
        return "the vector unit is not built (vector = false); set vector = true"
    return next(_problems(op, tensors, config), "")


@dataclass(frozen=True, slots=True)
class BandBytes:
    """ACT bytes of one set of buffers for a band of output rows."""

    held: int
    """What all channel parts of the band read: the windowed input of a convolution."""
    part: int
    """What one part of its channel blocks reads and writes."""


def band_bytes(
    op: ir.Op,
    tensors: Mapping[str, ir.Tensor],
    config: AccelConfig,
    rows: int,
    streamed: set[str],
    blocks: int | None = None,
) -> BandBytes:
    """Room that the band buffers of an op take.

    Args:
        op: any op of the graph.
        tensors: tensors of the graph.
        config: the hardware.
        rows: output rows of the band.
        streamed: names of the tensors that live in memory; only these need buffers.
        blocks: output channel blocks of a part; None: all.
    """
    geometry = bands(op, tensors)
    held = part = 0
    for operand in geometry.operands:
        if operand.tensor in streamed:
            layout = layout_of(operand.tensor, tensors, config)
            count = geometry.most_input_rows(operand.reach, rows)
            if operand.reach is Reach.WINDOW and ir.holds_input(op):
                held += layout.blocks * layout.pitch * count
            else:
                part += (blocks or layout.blocks) * layout.pitch * count
    if op.output in streamed:
        layout = layout_of(op.output, tensors, config)
        part += (blocks or layout.blocks) * layout.pitch * rows
    return BandBytes(held, part)


def least_blocks(op: ir.Op, config: AccelConfig) -> int:
    """Fewest channel blocks that a command of `op` can write."""
    convolves = isinstance(op, ir.Conv) or (isinstance(op, ir.Mosaic) and op.convolves)
    return config.words_per_vector if convolves else 1


def _problems(op: ir.Op, tensors: Mapping[str, ir.Tensor], config: AccelConfig) -> Iterator[str]:
    geometry = bands(op, tensors)
    if isinstance(op, ir.Mosaic):
        yield from _mosaic_problems(op, geometry, tensors, config)
    else:
        yield from _field_problems(op, geometry)
    if isinstance(op, ir.Conv):
        yield from _weight_problems(op, config)
    if isinstance(op, ir.MatMul):
        yield from _matmul_problems(op, tensors, config)
    if op.table is not None and not config.tables:
        yield "it needs a table, the configuration has none; set tables >= 1"
    names = {op.output, *(operand.tensor for operand in geometry.operands)}
    buffers = band_bytes(op, tensors, config, 1, names, least_blocks(op, config))
    least = buffers.held + buffers.part
    if least > config.act_bytes:
        yield (
            f"one output row needs {least} bytes of activation SRAM, there are {config.act_bytes}; "
            f"set act_kib >= {_kib(least)}"
        )


def _field_problems(op: ir.Op, geometry: Bands) -> Iterator[str]:
    """The op against the widths of the command fields."""
    view = window(op)
    command = BY_NAME["CONV" if isinstance(op, ir.Conv | ir.MatMul) else "POOL"]
    values = {
        "kernel_h": view.kernel[0],
        "kernel_w": view.kernel[1],
        "stride_y": view.stride[0],
        "stride_x": view.stride[1],
        "dilation_y": view.dilation[0],
        "dilation_x": view.dilation[1],
        "pad_top": max(view.padding[::2]),
        "pad_left": max(view.padding[1::2]),
        "in_h": geometry.vertical.size,
        "in_w": geometry.horizontal.size,
        "out_w": geometry.width,
    }
    limits = {field.name: field.range[1] for field in command.fields}
    for name, value in values.items():
        if name in limits and value > limits[name] and name != "in_h":
            yield f"{name} = {value} is above the command field's limit of {limits[name]}"
        elif name not in limits and value != 1:
            yield f"{name} = {value} is not supported for {command.name}"
    for axis in (geometry.vertical, geometry.horizontal):  # a convolution's padding is a value
        if isinstance(op, ir.Pool) and max(axis.pad_before, axis.pad_after) >= axis.reach:
            yield (
                f"padding ({axis.pad_before}, {axis.pad_after}) reaches the kernel's extent "
                f"{axis.reach}: some windows would see padding only"
            )


def _mosaic_problems(
    op: ir.Mosaic, geometry: Bands, tensors: Mapping[str, ir.Tensor], config: AccelConfig
) -> Iterator[str]:
    """Its patches, and the distances of their pixels in the output."""
    for patch, inner in geometry.patches:
        yield from _field_problems(patch.op, inner)
        if isinstance(patch.op, ir.Conv):
            yield from _weight_problems(patch.op, config)
    layout = layout_of(op.output, tensors, config)
    limits = {field.name: field.range[1] for field in BY_NAME["CONV"].fields}
    step = max(patch.step for patch in op.patches)
    for name, value in (("out_pitch", layout.pitch * step[0]), ("out_step", layout.k * step[1])):
        if value > limits[name]:
            yield f"{name} = {value} is above the command field's limit of {limits[name]}"


def _weight_problems(conv: ir.Conv, config: AccelConfig) -> Iterator[str]:
    """The smallest weight chunk (one n-block, one channel block, one kernel row)."""
    least = conv.weight.shape[2] * config.weight_tile_bytes
    if 2 * least > config.weight_bytes:
        yield (
            f"one kernel row of weights takes {least} bytes, twice that must fit the weight SRAM "
            f"of {config.weight_bytes}; set weight_kib >= {_kib(2 * least)}"
        )
    limit = next(f for f in BY_NAME["CONV"].fields if f.name == "cin_blocks").range[1]
    blocks = grouping(conv, config).blocks
    if blocks > limit:
        yield f"{blocks} input channel blocks are above the command field's limit of {limit}"


def matmul_passes(op: ir.MatMul, tensors: Mapping[str, ir.Tensor], config: AccelConfig) -> int:
    """Weight tiles of one image: heads x input channel blocks x output channel blocks."""
    inner, outer = tensors[op.a].shape[3] // op.heads, tensors[op.output].shape[3] // op.heads
    return op.heads * (inner // config.k_lanes) * (outer // config.n_lanes)


def _matmul_problems(
    op: ir.MatMul, tensors: Mapping[str, ir.Tensor], config: AccelConfig
) -> Iterator[str]:
    """Tiles of `b` are K x K blocks of an activation as it lies in memory."""
    k = config.k_lanes
    if config.n_lanes != k:
        yield f"a product of activations needs n_lanes = k_lanes, not {config.n_lanes} and {k}"
    if k % config.bus_bytes:
        yield (
            f"a product of activations needs words of k_lanes = {k} bytes that fill bus beats of "
            f"{config.bus_bytes}; set bus_bytes <= k_lanes"
        )
    sizes = {
        "inner size": tensors[op.a].shape[3] // op.heads,
        "output columns": tensors[op.output].shape[3] // op.heads,
    }
    for name, size in sizes.items():
        if size % k:
            yield f"{name} of a head is {size}, no multiple of k_lanes = {k}"
    column = sizes["inner size"] * k
    if 2 * column > config.weight_bytes:
        yield (
            f"{k} columns of the second operand take {column} bytes, twice that must fit the "
            f"weight SRAM of {config.weight_bytes}; set weight_kib >= {_kib(2 * column)}"
        )


def _kib(size: int) -> int:
    """The smallest memory that can be built and holds `size` bytes, KiB."""
    return 1 << (-(-size // KIB) - 1).bit_length()
