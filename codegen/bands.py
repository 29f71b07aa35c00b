# SPDX-License-Identifier: Apache-2.0
"""Ops seen as sliding windows over rows: what a band of output rows reads and writes.

Images of a batch are stacked as rows. A band never crosses an image, except where rows are
independent (1x1 kernels, element-wise): there all images are one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from accel.config import AccelConfig
from accel.isa import BY_NAME
from accel.layout import Layout, packed_layout, tensor_layout
from codegen import ir
from codegen.geometry import Axis, Extent

POINT = ir.Window2d((1, 1))
MOST_ROWS = next(f for f in BY_NAME["POOL"].fields if f.name == "in_h").range[1]
"""Most input rows, and output rows, that a command can count."""


@dataclass(frozen=True, slots=True)
class Operand:
    """An input of an op."""

    tensor: str
    windowed: bool
    """Read through the op's window; otherwise pixel by pixel like the output."""


def operands(op: ir.Op) -> tuple[Operand, ...]:
    """Inputs of an op, the main one first."""
    match op:
        case ir.Conv():
            main = (Operand(op.input, True),)
            return main if op.residual is None else (*main, Operand(op.residual, False))
        case ir.Pool():
            return (Operand(op.input, True),)
        case ir.Add():
            return Operand(op.a, False), Operand(op.b, False)


def window(op: ir.Op) -> ir.Window2d:
    """The op's sliding window."""
    return POINT if isinstance(op, ir.Add) else op.window


@dataclass(frozen=True, slots=True)
class Bands:
    """Row geometry of one op."""

    images: int
    """1 where rows are independent of images."""
    vertical: Axis
    horizontal: Axis
    image_rows: int
    """Output rows of an image."""
    width: int
    """Output pixels in a row."""

    @property
    def tallest(self) -> int:
        """Most output rows of a command."""
        axis = self.vertical
        return max(1, min(MOST_ROWS, (MOST_ROWS - axis.reach) // axis.stride + 1))

    def locate(self, row: int) -> tuple[int, int]:
        """(image, row in the image) of an output row."""
        return divmod(row, self.image_rows)

    def input_rows(self, first: int, count: int) -> Extent:
        """Input rows (of all images) that `count` output rows of one image need."""
        image, row = self.locate(first)
        need = self.vertical.needed(row, count)
        return Extent(image * self.vertical.size + need.first, need.count, need.pad)


def bands(op: ir.Op, tensors: Mapping[str, ir.Tensor]) -> Bands:
    """Row geometry of `op`."""
    n, h, w, _ = tensors[operands(op)[0].tensor].shape
    _, oh, ow, _ = tensors[op.output].shape
    view = window(op)
    independent = view == POINT
    images, rows, out_rows = (1, n * h, n * oh) if independent else (n, h, oh)
    top, left, bottom, right = view.padding
    return Bands(
        images,
        Axis(rows, view.kernel[0], view.stride[0], top, bottom, view.dilation[0]),
        Axis(w, view.kernel[1], view.stride[1], left, right, view.dilation[1]),
        out_rows,
        ow,
    )


def most_input_rows(geometry: Bands, rows: int) -> int:
    """Most input rows that any band of `rows` output rows needs."""
    axis = geometry.vertical
    return min(axis.size, (rows - 1) * axis.stride + axis.reach)


def layout_of(name: str, tensors: Mapping[str, ir.Tensor], config: AccelConfig) -> Layout:
    """Layout of a tensor of the graph."""
    tensor = tensors[name]
    lay_out = packed_layout if tensor.packed else tensor_layout
    return lay_out(tensor.shape, config, tensor.gathers)
