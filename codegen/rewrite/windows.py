# SPDX-License-Identifier: Apache-2.0
"""A kernel that is too wide, as parts: more input channels over shifted windows of the input.

    y[o, w] = sum over c, k of x[c, w * s + k * d] * f[o, c, k],              k = p * width + j
            = sum over (p, c), j of x_p[c, w * s + j * d] * f_p[o, c, j],     x_p: x from column
                                                                              p * width * d on

Exact: the same products in one int32 sum. The input is padded with its zero point first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from tvm import relax

from codegen.frontend.expressions import op_name, shape_of
from codegen.rewrite.constants import Weight

WIDEST = 255
"""Of the command field."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a convolution of [N, C, H, W] is cut along its width."""

    parts: int
    width: int
    """Kernel columns of a part; the last one may have zeros."""
    padding: tuple[int, int]
    """Left and right, so much that all windows exist."""
    step: int
    """Columns from part to part."""
    length: int
    """Columns of a window."""


def plan(call: Any, widest: int) -> Plan | None:
    """Cut a conv1d or conv2d call; None where its kernel fits or it has groups."""
    a, kernel = call.attrs, shape_of(call.args[1])[-1]
    if kernel <= widest or int(a.groups) != 1:
        return None
    columns, out = shape_of(call.args[0])[-1], shape_of(call)[-1]
    pads = [int(p) for p in a.padding]
    left, right = (pads[0], pads[1]) if op_name(call) == "relax.nn.conv1d" else (pads[1], pads[3])
    stride, dilation = int(a.strides[-1]), int(a.dilation[-1])
    parts = -(-kernel // widest)
    width = -(-kernel // parts)
    length = (out - 1) * stride + dilation * (width - 1) + 1
    reached = (parts - 1) * width * dilation + length
    right = max(right, reached - columns - left)
    return Plan(parts, width, (left, right), width * dilation, length)


def windows(x: Any, zero: int, cut: Plan) -> Any:
    """The shifted windows of an int8 image, as channels."""
    padded = relax.op.nn.pad(x, [0, 0, 0, 0, 0, 0, *cut.padding], pad_value=zero)
    parts = [
        relax.op.strided_slice(padded, [3], [part * cut.step], [part * cut.step + cut.length])
        for part in range(cut.parts)
    ]
    return relax.op.concat(parts, axis=1)


def kernel(weight: Weight, cut: Plan) -> Weight:
    """[O, C, H, W] as [O, parts * C, H, width]."""
    out, channels, rows, columns = weight.values.shape
    whole = np.zeros((out, channels, rows, cut.parts * cut.width), np.int8)
    whole[..., :columns] = weight.values
    split = whole.reshape(out, channels, rows, cut.parts, cut.width).transpose(0, 3, 1, 2, 4)
    shape = out, cut.parts * channels, rows, cut.width
    return Weight(np.ascontiguousarray(split).reshape(shape), weight.scale, 0)
