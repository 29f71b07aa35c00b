# SPDX-License-Identifier: Apache-2.0
"""Ops seen as sliding windows over rows: what a band of output rows reads and writes.

Images of a batch are stacked as rows. A band never crosses an image, except where rows are
independent (1x1 kernels, element-wise): there all images are one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache
from typing import TypeAlias

from accel.config import AccelConfig
from accel.isa import BY_NAME
from accel.layout import Layout, packed_layout, tensor_layout
from codegen import ir
from codegen.geometry import Axis

POINT = ir.Window2d((1, 1))
MOST_ROWS = next(f for f in BY_NAME["POOL"].fields if f.name == "in_h").range[1]
"""Most input rows, and output rows, that a command can count."""


class Reach(Enum):
    """Which pixels of an input an output pixel needs."""

    WINDOW = "those under the op's window"
    PIXEL = "the one in the same place"
    IMAGE = "the only one of the image"


@dataclass(frozen=True, slots=True)
class Operand:
    """An input of an op."""

    tensor: str
    reach: Reach


def operands(op: ir.Op, tensors: Mapping[str, ir.Tensor]) -> tuple[Operand, ...]:
    """Inputs of an op in the activation SRAM, the main one first."""
    match op:
        case ir.Conv():
            main = (Operand(op.input, Reach.WINDOW),)
            return main if op.residual is None else (*main, Operand(op.residual, Reach.PIXEL))
        case ir.Pool() | ir.Mosaic():
            return (Operand(op.input, Reach.WINDOW),)
        case ir.MatMul():
            return (Operand(op.a, Reach.WINDOW),)
        case ir.Add() | ir.Mul():
            whole = tensors[op.a].shape == tensors[op.b].shape
            b = Operand(op.b, Reach.PIXEL if whole else Reach.IMAGE)
            return Operand(op.a, Reach.PIXEL), b


def window(op: ir.Op) -> ir.Window2d:
    """The op's sliding window; a mosaic has one for each patch."""
    return op.window if isinstance(op, ir.Conv | ir.Pool) else POINT


@dataclass(frozen=True, slots=True)
class Bands:
    """Row geometry of one op."""

    operands: tuple[Operand, ...]
    images: int
    """1 where rows are independent of images."""
    vertical: Axis
    horizontal: Axis
    image_rows: int
    """Output rows of an image."""
    width: int
    """Output pixels in a row."""
    patches: tuple[tuple[ir.Patch, Bands], ...] = ()
    """Of a mosaic, each with its own geometry."""

    @property
    def tallest(self) -> int:
        """Most output rows of a command."""
        axis = self.vertical
        return max(1, min(MOST_ROWS, (MOST_ROWS - axis.reach) // axis.stride + 1))

    def locate(self, row: int) -> tuple[int, int]:
        """(image, row in the image) of an output row."""
        return divmod(row, self.image_rows)

    def input_rows(self, reach: Reach, first: int, count: int) -> tuple[int, int]:
        """Input rows (of all images) that `count` output rows of one image need: first, count."""
        image, row = self.locate(first)
        match reach:
            case Reach.PIXEL:
                return first, count
            case Reach.IMAGE:
                return image, 1
        if self.patches:
            low, rows = _patched_rows(self.patch_views, row, count)
            return image * self.vertical.size + low, rows
        need = self.vertical.needed(row, count)
        return image * self.vertical.size + need.first, need.count

    def most_input_rows(self, reach: Reach, rows: int) -> int:
        """Most input rows that any band of `rows` output rows needs."""
        match reach:
            case Reach.PIXEL:
                return rows
            case Reach.IMAGE:
                return 1
        if self.patches:
            return _most_patched_rows(self.patch_views, self.image_rows, rows)
        axis = self.vertical
        return min(axis.size, (rows - 1) * axis.stride + axis.reach)

    @property
    def patch_views(self) -> PatchViews:
        """The rows of the patches; those side by side have the same."""
        return tuple(dict.fromkeys(PatchRows.of(p, g.vertical) for p, g in self.patches))


@dataclass(frozen=True, slots=True)
class PatchRows:
    """Output rows first, first + step ... `size` of them, and the input rows that they need."""

    first: int
    step: int
    size: int
    axis: Axis

    @classmethod
    def of(cls, patch: ir.Patch, axis: Axis) -> PatchRows:
        """The rows of a patch."""
        return cls(patch.first[0], patch.step[0], patch.size[0], axis)

    def among(self, row: int, count: int) -> tuple[int, int]:
        """Own rows among the output rows `row` to `row + count - 1`: first, count."""
        first = max(0, -(-(row - self.first) // self.step))
        stop = min(self.size, -(-(row + count - self.first) // self.step))
        return first, max(0, stop - first)


PatchViews: TypeAlias = tuple[PatchRows, ...]


def _patched_rows(views: PatchViews, row: int, count: int) -> tuple[int, int]:
    """Input rows of an image that the patches need for some of its output rows: first, count."""
    parts = ((view, *view.among(row, count)) for view in views)
    needs = [view.axis.needed(first, rows) for view, first, rows in parts if rows]
    low = min(need.first for need in needs)
    return low, max(need.stop for need in needs) - low


@lru_cache(maxsize=1024)
def _most_patched_rows(views: PatchViews, image_rows: int, rows: int) -> int:
    """Most input rows that any band needs; remembered, since planning asks for the same often."""
    starts = range(image_rows - min(rows, image_rows) + 1)
    return max(_patched_rows(views, row, rows)[1] for row in starts)


def bands(op: ir.Op, tensors: Mapping[str, ir.Tensor]) -> Bands:
    """Row geometry of `op`."""
    if isinstance(op, ir.Mosaic):
        return _mosaic_bands(op, tensors)
    return _bands(op, tensors)


def _bands(op: ir.Op, tensors: Mapping[str, ir.Tensor], *, patch: bool = False) -> Bands:
    """Rows of a patch do not go on from image to image: it has others than the input."""
    n, h, w, _ = tensors[ir.reads(op)[0]].shape
    _, oh, ow, _ = tensors[op.output].shape
    view = window(op)
    inputs = operands(op, tensors)
    repeated = any(operand.reach is Reach.IMAGE for operand in inputs)
    independent = not (view != POINT or repeated or patch or isinstance(op, ir.MatMul))
    images, rows, out_rows = (1, n * h, n * oh) if independent else (n, h, oh)
    if isinstance(op, ir.MatMul):
        images, rows, out_rows = op.images, n // op.images, n // op.images
    top, left, bottom, right = view.padding
    return Bands(
        inputs,
        images,
        Axis(rows, view.kernel[0], view.stride[0], top, bottom, view.dilation[0]),
        Axis(w, view.kernel[1], view.stride[1], left, right, view.dilation[1]),
        out_rows,
        ow,
    )


def _mosaic_bands(op: ir.Mosaic, tensors: Mapping[str, ir.Tensor]) -> Bands:
    patches = tuple((p, _bands(p.op, ir.patch_tensors(p, tensors), patch=True)) for p in op.patches)
    images, rows, width, _ = tensors[op.output].shape
    _, h, w, _ = tensors[op.input].shape
    axes = Axis(h, 1, 1, 0, 0), Axis(w, 1, 1, 0, 0)
    return Bands(operands(op, tensors), images, *axes, rows, width, patches)


def layout_of(name: str, tensors: Mapping[str, ir.Tensor], config: AccelConfig) -> Layout:
    """Layout of a tensor of the graph; rows and planes of a part lie as those of the whole.

    Where its rows have another length there are no gaps between them (`passes/place_parts.py`).
    """
    tensor = tensors[name]
    if tensor.part is not None:
        whole = layout_of(tensor.part.whole, tensors, config)
        own = tensor_layout(tensor.shape, config)
        pitch = whole.pitch if own.w == whole.w else own.pitch
        return replace(own, pitch=pitch, plane=whole.plane)
    lay_out = packed_layout if tensor.packed else tensor_layout
    return lay_out(tensor.shape, config, tensor.gathers)
