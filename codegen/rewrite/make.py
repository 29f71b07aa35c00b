# SPDX-License-Identifier: Apache-2.0
"""Relax calls in another form than the call that they stand for."""

from __future__ import annotations

from typing import Any

from tvm import relax
from tvm.ir import Call

from codegen.frontend.expressions import op_name, shape_of
from codegen.rewrite.moves import Move


def moved(value: Any, move: Move) -> Any:
    """A transpose or reshape."""
    if move.axes is not None:
        return relax.op.permute_dims(value, move.axes)
    return relax.op.reshape(value, move.target)


def scale_axis(value: Any, call: Any) -> int:
    """The axis of a scale; that of a single one says nothing, but must exist."""
    rank = len(shape_of(value))
    return min(int(call.attrs.axis), rank - 1)


def conv2d(call: Any, x: Any, w: Any) -> Any:
    """A convolution with the attributes of the call that it came from."""
    a, name = call.attrs, op_name(call)
    if name == "relax.nn.conv2d":
        settings = a.strides, a.padding, a.dilation, a.groups
        return relax.op.nn.conv2d(x, w, *settings)
    if name == "relax.nn.conv1d":
        left, right = a.padding
        settings = (1, *a.strides), (0, left, 0, right), (1, *a.dilation), a.groups
        return relax.op.nn.conv2d(x, w, *settings)
    if name == "relax.nn.avg_pool2d":
        return relax.op.nn.conv2d(x, w, a.strides, a.padding, a.dilation, shape_of(x)[1])
    return relax.op.nn.conv2d(x, w)


def parts(call: Any, x: Any, w: Any) -> Any:
    """A convolution whose wide kernel was cut; the left and right padding is in `x`."""
    a = call.attrs
    if op_name(call) == "relax.nn.conv1d":
        return relax.op.nn.conv2d(x, w, (1, *a.strides), 0, (1, *a.dilation))
    padding = a.padding[0], 0, a.padding[2], 0
    return relax.op.nn.conv2d(x, w, a.strides, padding, a.dilation)


def pool(call: Any, x: Any, mode: str) -> Any:
    """A pool; "2d": of one in one dimension, "floor": of one whose ceiling has no effect."""
    a, name = call.attrs, op_name(call)
    if mode == "":
        return Call(call.op, [x], a, call.ty_args)
    operator = relax.op.nn.avg_pool2d if "avg" in name else relax.op.nn.max_pool2d
    if mode == "floor":
        settings = a.pool_size, a.strides, a.padding, a.dilation, False
    else:
        left, right = a.padding
        settings = (
            (1, *a.pool_size),
            (1, *a.strides),
            (0, left, 0, right),
            (1, *a.dilation),
            bool(a.ceil_mode),
        )
    return operator(x, *settings, bool(a.count_include_pad))
