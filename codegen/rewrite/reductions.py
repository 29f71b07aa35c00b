# SPDX-License-Identifier: Apache-2.0
"""How convolutions, matrix products, means and pools are read, with the forms they may take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from codegen.frontend.expressions import op_name, shape_of
from codegen.rewrite import constants as con
from codegen.rewrite import moves as mv

if TYPE_CHECKING:
    from codegen.rewrite.terms import Reader

FACTOR = 64
"""Weight of an average pool's factors: what is added behind is rounded to this part of a step."""


def conv1d(reader: Reader, variable: Any, call: Any) -> bool:
    """Convolution over a sequence."""
    x, w = call.args
    if call.attrs.data_layout != "NCW" or call.attrs.kernel_layout != "OIW":
        return False
    operands = reader.operand(x), reader.operand(w, 3, "conv")
    index = reader.step(variable, "Conv1d", operands, call)
    reader.cut(index, call)
    before, after = shape_of(x), shape_of(variable)
    image = mv.reshape(before, _image(before)), mv.reshape(_image(after), after)
    reader.fact("as-conv2d", index, *reader.moved(*image))
    a = call.attrs
    plain = [int(v) for v in (*a.strides, *a.dilation, a.groups)] == [1, 1, 1]
    if plain and not any(int(p) for p in a.padding) and shape_of(w)[2] == 1:
        rows = mv.permute(before, (0, 2, 1)), mv.permute((after[0], *after[:0:-1]), (0, 2, 1))
        reader.fact("as-matmul", index, *reader.moved(*rows))
    return True


def conv2d(reader: Reader, variable: Any, call: Any) -> bool:
    """Convolution over an image."""
    if call.attrs.data_layout != "NCHW" or call.attrs.kernel_layout != "OIHW":
        return False
    operands = reader.operand(call.args[0]), reader.operand(call.args[1], 4, "conv")
    reader.cut(reader.step(variable, "Conv2d", operands, call), call)
    return True


def matmul(reader: Reader, variable: Any, call: Any) -> bool:
    """Matrix product."""
    a, b = call.args
    left = reader.is_constant(a)
    operands = reader.operand(a, 2, "left"), reader.operand(b, 2, "matmul")
    index = reader.step(variable, "Matmul", operands, call)
    before, after = shape_of(b if left else a), shape_of(variable)
    if left and len(shape_of(a)) == 2 and len(before) in (2, 3):
        image = (1, *before) if len(before) == 2 else before
        out = (1, *after) if len(before) == 2 else after
        moves = mv.reshape(before, _image(image)), mv.reshape(_image(out), after)
        reader.fact("left-product", index, *reader.moved(*moves))
    if left or not reader.is_constant(b) or len(shape_of(b)) != 2 or len(before) < 4:
        return True
    rows = int(np.prod(before[:-1]))
    flat = mv.reshape(before, (rows, before[-1])), mv.reshape((rows, after[-1]), after)
    reader.fact("as-rows", index, operands[0], *reader.moved(*flat))
    if len(before) == 4:
        out = after[0], after[3], *after[1:3]
        image_moves = mv.permute(before, (0, 3, 1, 2)), mv.permute(out, (0, 2, 3, 1))
        reader.fact("as-image", index, *reader.moved(*image_moves))
    return True


def reduction(reader: Reader, variable: Any, call: Any) -> bool:
    """Mean and sum; kept dimensions, then a reshape."""
    x, axes = call.args[0], call.attrs.axis
    before, after = shape_of(x), shape_of(variable)
    rank = len(before)
    reduced = tuple(sorted(int(a) % rank for a in (range(rank) if axes is None else axes)))
    if not reduced or reader.is_constant(x):
        return False
    kept = tuple(1 if a in reduced else size for a, size in enumerate(before))
    operator = "Mean" if op_name(call) == "relax.mean" else "Sum"
    name = ",".join(map(str, reduced))
    index = reader.step(variable, operator, (reader.operand(x), name), call)
    reader.reduced[reduced] = None
    if operator == "Sum":
        size = float(np.prod([before[a] for a in reduced]))
        reader.fact("count", index, ("C", reader.handle(con.float_constant(size), 0, "")))
    if rank == 3 and reduced == (2,):
        moves = mv.reshape(before, _image(before)), mv.reshape(_image(kept), kept)
        reader.fact("mean-image", index, name, *reader.moved(*moves), "2,3")
    if after != kept:
        (flat,) = reader.moved(mv.reshape(kept, after))
        reader.step(variable, "Move", (flat, ("V", index)), call)
    return True


def pool(reader: Reader, variable: Any, call: Any) -> bool:
    """Average and max pool."""
    x, a = call.args[0], call.attrs
    before, after = shape_of(x), shape_of(variable)
    if a.layout not in ("NCHW", "NCW") or reader.is_constant(x):
        return False
    index = reader.step(variable, "Pool", ("", reader.operand(x)), call)
    average = "avg" in op_name(call)
    if average:
        reader.fact("linear-pool", index)
    else:
        reader.fact("selects", index)
    if len(before) == 3:
        moves = mv.reshape(before, _image(before)), mv.reshape(_image(after), after)
        reader.fact("pool-image", index, *reader.moved(*moves))
        return True
    kernel, stride, pads, dilation = (
        tuple(int(v) for v in vs) for vs in (a.pool_size, a.strides, a.padding, a.dilation)
    )
    padded = [before[2 + i] + pads[i] + pads[i + 2] for i in range(2)]
    over = [padded[i] - dilation[i] * (kernel[i] - 1) - 1 for i in range(2)]
    floor = [1 + over[i] // stride[i] for i in range(2)]
    if a.ceil_mode and floor == list(after[2:]):
        reader.fact("pool-floors", index)
    if not average or a.ceil_mode:
        return True
    if not any(pads) and kernel == before[2:]:
        reader.fact("pool-is-mean", index)
        reader.reduced[2, 3] = None
    if not any(pads) or a.count_include_pad:
        ones = np.full((before[1], 1, *kernel), FACTOR, np.int8)
        weight = con.Weight(ones, np.asarray([1 / (FACTOR * kernel[0] * kernel[1])]), 0)
        constant = con.Constant(con.weight_call(weight), 4, ones.astype(float), weight, False)
        reader.fact("ones", index, ("C", reader.add(constant, "conv")))
    return True


def _image(shape: tuple[int, ...]) -> tuple[int, ...]:
    """[N, C, W] as [N, C, 1, W]."""
    return (*shape[:2], 1, shape[2])
