# SPDX-License-Identifier: Apache-2.0
"""Can the hardware execute this op at its smallest tile? If not, why, and what would admit it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from accel.config import KIB, AccelConfig
from accel.isa import BY_NAME
from codegen import ir
from codegen.bands import Bands, Reach, bands, layout_of, window
from codegen.weights import grouping

Tensors = Mapping[str, ir.Tensor]
Check = Callable[[ir.Op, Tensors, AccelConfig], Iterator[str]]
"""A rule: its doc string says what must hold, it yields what does not."""


def reason(op: ir.Op, tensors: Tensors, config: AccelConfig) -> str:
    """Why `op` cannot run on this configuration, with values and a remedy; "" when it can."""
    found = problem(op, tensors, config)
    return "" if found is None else found[1]


def problem(op: ir.Op, tensors: Tensors, config: AccelConfig) -> tuple[Check, str] | None:
    """The first rule that `op` fails, and how; None when it fits."""
    for check in CHECKS:
        for text in check(op, tensors, config):
            return check, text
    return None


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
    return config.words_per_vector if _convolves(op) else 1


def _convolves(op: ir.Op) -> bool:
    return isinstance(op, ir.Conv) or (isinstance(op, ir.Mosaic) and op.convolves)


def _commanded(op: ir.Op, tensors: Tensors) -> list[tuple[ir.Op, Bands]]:
    """The ops that become commands, and their windows: the patches of a mosaic, else the op."""
    geometry = bands(op, tensors)
    if isinstance(op, ir.Mosaic):
        return [(patch.op, inner) for patch, inner in geometry.patches]
    return [(op, geometry)]


def vector_unit_is_built(op: ir.Op, tensors: Tensors, config: AccelConfig) -> Iterator[str]:
    """What is no convolution needs the vector unit.

    Remedy: set vector = true in the configuration.
    """
    if not _convolves(op) and not config.vector:
        yield "the vector unit is not built (vector = false); set vector = true"


def sizes_fit_the_command_fields(op: ir.Op, tensors: Tensors, config: AccelConfig) -> Iterator[str]:
    """Kernel, stride, dilation, padding and row length fit the fields of the command.

    Remedy: no configuration helps; in the model, split the op: a long kernel or row into parts, a
    large stride into a smaller one and a slice, a dilated pool into slices.
    """
    for part, geometry in _commanded(op, tensors):
        yield from _field_problems(part, geometry)
    if isinstance(op, ir.Mosaic):
        yield from _step_problems(op, tensors, config)


def _field_problems(op: ir.Op, geometry: Bands) -> Iterator[str]:
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


def _step_problems(op: ir.Mosaic, tensors: Tensors, config: AccelConfig) -> Iterator[str]:
    """Distances of the pixels of a patch in the output."""
    layout = layout_of(op.output, tensors, config)
    limits = {field.name: field.range[1] for field in BY_NAME["CONV"].fields}
    step = max(patch.step for patch in op.patches)
    for name, value in (("out_pitch", layout.pitch * step[0]), ("out_step", layout.k * step[1])):
        if value > limits[name]:
            yield f"{name} = {value} is above the command field's limit of {limits[name]}"


def windows_see_pixels(op: ir.Op, tensors: Tensors, config: AccelConfig) -> Iterator[str]:
    """A pool's padding is less than the kernel's extent, so that every window sees a pixel.

    Remedy: no configuration helps; in the model, pad by less than the kernel's extent, and add the
    border that is left as a constant behind the op.
    """
    for part, geometry in _commanded(op, tensors):
        if not isinstance(part, ir.Pool):
            continue  # a convolution's padding is a value
        for axis in (geometry.vertical, geometry.horizontal):
            if max(axis.pad_before, axis.pad_after) < axis.reach:
                continue
            yield (
                f"padding ({axis.pad_before}, {axis.pad_after}) reaches the kernel's extent "
                f"{axis.reach}: some windows would see padding only"
            )


def weight_chunk_fits_twice(op: ir.Op, tensors: Tensors, config: AccelConfig) -> Iterator[str]:
    """Twice the smallest chunk of weights (one kernel row of one tile) fits the weight SRAM.

    Remedy: raise weight_kib, or split the kernel's width in the model.
    """
    convs = [part for part, _ in _commanded(op, tensors) if isinstance(part, ir.Conv)]
    least = max((conv.weight.shape[2] * config.weight_tile_bytes for conv in convs), default=0)
    if 2 * least > config.weight_bytes:
        yield (
            f"one kernel row of weights takes {least} bytes, twice that must fit the weight SRAM "
            f"of {config.weight_bytes}; set weight_kib >= {_kib(2 * least)}"
        )


def channel_blocks_fit_the_command_field(
    op: ir.Op, tensors: Tensors, config: AccelConfig
) -> Iterator[str]:
    """The input channels, in blocks of k_lanes, fit the field of the command.

    Remedy: raise k_lanes, or split the input channels in the model and add the parts.
    """
    limit = next(f for f in BY_NAME["CONV"].fields if f.name == "cin_blocks").range[1]
    for part, _ in _commanded(op, tensors):
        blocks = grouping(part, config).blocks if isinstance(part, ir.Conv) else 0
        if blocks > limit:
            yield f"{blocks} input channel blocks are above the command field's limit of {limit}"


def product_of_activations_fits_the_array(
    op: ir.Op, tensors: Tensors, config: AccelConfig
) -> Iterator[str]:
    """A product of activations is made of K x K tiles; twice a tile's columns fit the weight SRAM.

    Remedy: pad the head's sizes to multiples of k_lanes in the model.
    """
    if isinstance(op, ir.MatMul):
        yield from _matmul_problems(op, tensors, config)


def tables_are_built(op: ir.Op, tensors: Tensors, config: AccelConfig) -> Iterator[str]:
    """A function of one value (sigmoid, hard-swish, ...) needs a table.

    Remedy: set tables >= 1 in the configuration.
    """
    if op.table is not None and not config.tables:
        yield "it needs a table, the configuration has none; set tables >= 1"


def output_row_fits_the_activation_sram(
    op: ir.Op, tensors: Tensors, config: AccelConfig
) -> Iterator[str]:
    """What one output row reads and writes fits the activation SRAM.

    Remedy: raise act_kib, or split the op's width or channels in the model.
    """
    names = {op.output, *(operand.tensor for operand in bands(op, tensors).operands)}
    buffers = band_bytes(op, tensors, config, 1, names, least_blocks(op, config))
    least = buffers.held + buffers.part
    if least > config.act_bytes:
        yield (
            f"one output row needs {least} bytes of activation SRAM, there are {config.act_bytes}; "
            f"set act_kib >= {_kib(least)}"
        )


CHECKS: tuple[Check, ...] = (
    vector_unit_is_built,
    sizes_fit_the_command_fields,
    windows_see_pixels,
    weight_chunk_fits_twice,
    channel_blocks_fit_the_command_field,
    product_of_activations_fits_the_array,
    tables_are_built,
    output_row_fits_the_activation_sram,
)
OF_THE_MODEL = (sizes_fit_the_command_fields, windows_see_pixels)
"""Rules that no configuration changes."""


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
