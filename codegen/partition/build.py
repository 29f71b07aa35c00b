# SPDX-License-Identifier: Apache-2.0
"""Make an op of the neutral graph from the parts of a matched pattern.

Zero points move from the operands into the bias: sum(w * (x - zx)) + b = sum(w * x) + (b - zx *
sum(w)). Layouts become NHWC, dense becomes convolution.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from accel.isa import Rounding
from accel.numerics import ADD_HEADROOM
from codegen import ir
from codegen.identity import identity
from codegen.mosaics import Divisors, copy_of, repeated, transposed, uneven_average
from codegen.partition.values import array, shape_of

Parts = Mapping[str, Any]
CLIP_ONLY = ir.Window2d((1, 1))


def build(
    kind: str, parts: Parts, source: ir.Source, names: Mapping[str, str], output: str
) -> ir.Op:
    """Make the op.

    Args:
        kind: name of the pattern.
        parts: matched expressions by the pattern's part names.
        source: where it comes from.
        names: operand part ("x", or "a" and "b") -> tensor name.
        output: tensor name of the result.
    """
    name = f"{kind}_{source.index}"
    return _BUILDERS[kind](parts, name, source, names, output)


def input_zero_points(kind: str, parts: Parts) -> dict[str, int]:
    """Zero points of the operands, as far as the op knows them."""
    if kind in ("add", "mul", "batch_matmul"):
        return {side: _scalar(parts[f"{side}_zp"]) for side in ("a", "b")}
    if kind == "pad":  # frontend/islands/moves.py pads with zero points only
        return {"x": int(parts["core"].attrs.pad_value)}
    return {"x": _scalar(parts["x_zp"])} if "x_zp" in parts else {}


def _scalar(expr: Any) -> int:
    return int(array(expr).reshape(-1)[0])


def _tail(parts: Parts) -> ir.Tail:
    return ir.Tail(_scalar(parts["zp"]), _scalar(parts["lo"]), _scalar(parts["hi"]))


def _requant(parts: Parts, channels: int, offset: npt.NDArray[np.int64]) -> ir.Requant:
    """Requantization with `offset` added to the bias."""

    def spread(name: str) -> npt.NDArray[np.int64]:
        return np.broadcast_to(array(parts[name]).reshape(-1).astype(np.int64), (channels,))

    rounding = _rounding(parts)
    rest = spread("rest") if rounding == Rounding.DOUBLE else 0
    return ir.Requant(
        (spread("bias") + offset).astype(np.int32),
        spread("multiplier").astype(np.int32),
        (spread("shift") + rest).astype(np.uint8),
        _tail(parts),
        rounding,
    )


def _rounding(parts: Parts) -> Rounding:
    """The rule: DOUBLE has two shifts."""
    return Rounding.DOUBLE if "rest" in parts else Rounding.SINGLE


def _shift(parts: Parts) -> int:
    """The whole shift of a result."""
    return _scalar(parts["shift"]) + (_scalar(parts["rest"]) if "rest" in parts else 0)


def _window(attrs: Any, kernel: tuple[int, int]) -> ir.Window2d:
    stride, padding, dilation = (
        tuple(int(v) for v in values) for values in (attrs.strides, attrs.padding, attrs.dilation)
    )
    return ir.Window2d(
        kernel,
        (stride[0], stride[1]),
        (padding[0], padding[1], padding[2], padding[3]),
        (dilation[0], dilation[1]),
    )


def _conv(
    parts: Parts,
    weight: npt.NDArray[np.int8],
    window: ir.Window2d,
    groups: int,
    where: tuple[str, ir.Source, Mapping[str, str], str],
) -> ir.Conv:
    name, source, names, output = where
    sums = weight.astype(np.int64).sum(axis=(1, 2, 3))
    requant = _requant(parts, len(weight), -_scalar(parts["x_zp"]) * sums)
    weight = np.ascontiguousarray(weight)
    return ir.Conv(name, source, names["x"], output, weight, window, groups, requant)


def _conv2d(
    parts: Parts, name: str, source: ir.Source, names: Mapping[str, str], output: str
) -> ir.Op:
    attrs = parts["core"].attrs
    weight = array(parts["weight"]).transpose(0, 2, 3, 1)
    window = _window(attrs, (weight.shape[1], weight.shape[2]))
    groups = int(attrs.groups)
    if len(shape_of(parts["multiplier"])) == 4 and shape_of(parts["multiplier"])[2:] != (1, 1):
        return _uneven_average(parts, window, (name, source, names, output))
    plain = not any(window.padding) and window.dilation == (1, 1)
    per_tensor = array(parts["multiplier"]).size == 1
    sums = groups == len(weight) and weight.shape[3] == 1 and bool((weight == 1).all())
    if sums and plain and per_tensor:
        pooled = _requant(parts, 1, np.asarray(-_scalar(parts["x_zp"]) * weight[0].size))
        kind = ir.PoolKind.AVERAGE
        return ir.Pool(name, source, names["x"], output, kind, window, pooled)
    conv = _conv(parts, weight, window, groups, (name, source, names, output))
    return replace(conv, overhead=sums)  # the average of a padded window multiplies nothing


def _uneven_average(
    parts: Parts, window: ir.Window2d, where: tuple[str, ir.Source, Mapping[str, str], str]
) -> ir.Op:
    """A divisor for each pixel: only averages have that."""
    name, source, names, output = where
    requant = replace(ir.clipping(), tail=_tail(parts), rounding=_rounding(parts))
    kind = ir.PoolKind.AVERAGE
    pool = ir.Pool(name, source, names["x"], output, kind, window, requant)
    h, w = shape_of(parts["x"])[2:]
    keys = ("bias", "multiplier", "shift", *(["rest"] if "rest" in parts else []))
    bias, multiplier, *shifts = (array(parts[key])[0, 0].astype(np.int64) for key in keys)
    rule = Divisors(bias, multiplier, sum(shifts[1:], shifts[0]))
    return uneven_average(pool, rule, _scalar(parts["x_zp"]), (h, w))


def _conv2d_transpose(
    parts: Parts, name: str, source: ir.Source, names: Mapping[str, str], output: str
) -> ir.Op:
    attrs = parts["core"].attrs
    groups, stored = int(attrs.groups), array(parts["weight"])
    cin, cout_group, *kernel = stored.shape
    split = stored.reshape(groups, cin // groups, cout_group, *kernel)
    weight = split.transpose(0, 2, 3, 4, 1).reshape(-1, *kernel, cin // groups)
    requant = _requant(parts, len(weight), np.zeros(1, np.int64))
    window = _window(attrs, (kernel[0], kernel[1]))
    conv = ir.Conv(name, source, names["x"], output, weight, window, groups, requant)
    _, _, h, w = shape_of(parts["core"])
    return transposed(conv, (h, w), _scalar(parts["x_zp"]))


def _repeat(
    parts: Parts, name: str, source: ir.Source, names: Mapping[str, str], output: str
) -> ir.Op:
    before, after = shape_of(parts["x"]), shape_of(parts["core"])
    factors = after[2] // before[2], after[3] // before[3]
    return repeated(copy_of(name, source, names["x"], output), (before[2], before[3]), factors)


def _pad(
    parts: Parts, name: str, source: ir.Source, names: Mapping[str, str], output: str
) -> ir.Op:
    """Every pixel as it is; the convolution's own padding makes the border."""
    _, _, _, _, top, bottom, left, right = (int(w) for w in parts["core"].attrs.pad_width)
    channels = shape_of(parts["x"])[1]
    window = ir.Window2d((1, 1), padding=(top, left, bottom, right))
    ones, requant = np.ones((channels, 1, 1, 1), np.int8), identity(channels)
    return ir.Conv(name, source, names["x"], output, ones, window, channels, requant, overhead=True)


def _dense(
    parts: Parts, name: str, source: ir.Source, names: Mapping[str, str], output: str
) -> ir.Op:
    weight = array(parts["weight"]).T[:, None, None, :]
    return _conv(parts, weight, CLIP_ONLY, 1, (name, source, names, output))


def _flatten_dense(
    parts: Parts, name: str, source: ir.Source, names: Mapping[str, str], output: str
) -> ir.Op:
    _, c, h, w = shape_of(parts["x"])
    weight = array(parts["weight"]).T.reshape(-1, c, h, w).transpose(0, 2, 3, 1)
    return _conv(parts, weight, ir.Window2d((h, w)), 1, (name, source, names, output))


def _batch_matmul(
    parts: Parts, name: str, source: ir.Source, names: Mapping[str, str], output: str
) -> ir.Op:
    shape = shape_of(parts["a"])
    images, heads = shape[0] if len(shape) > 2 else 1, shape[1] if len(shape) == 4 else 1
    zeros = _scalar(parts["a_zp"]), _scalar(parts["b_zp"])
    requant = _requant(parts, 1, np.zeros(1, np.int64))
    operands = names["a"], names["b"], output
    return ir.MatMul(name, source, *operands, images, heads, False, *zeros, requant)


def _global_average_pool(
    parts: Parts, name: str, source: ir.Source, names: Mapping[str, str], output: str
) -> ir.Op:
    shape, axes = shape_of(parts["x"]), [int(axis) for axis in parts["core"].attrs.axis]
    h, w = (shape[axis] if axis in axes else 1 for axis in (2, 3))
    requant = _requant(parts, 1, np.asarray(-_scalar(parts["x_zp"]) * h * w))
    kind, window = ir.PoolKind.AVERAGE, ir.Window2d((h, w))
    return ir.Pool(name, source, names["x"], output, kind, window, requant)


def _affine(
    parts: Parts, name: str, source: ir.Source, names: Mapping[str, str], output: str
) -> ir.Op:
    weight = array(parts["weight"]).astype(np.int8).reshape(-1, 1, 1, 1)
    conv = _conv(parts, weight, CLIP_ONLY, len(weight), (name, source, names, output))
    return replace(conv, overhead=True)


def _rescale(
    parts: Parts, name: str, source: ir.Source, names: Mapping[str, str], output: str
) -> ir.Op:
    requant = _requant(parts, 1, np.asarray(-_scalar(parts["x_zp"])))
    return ir.Pool(name, source, names["x"], output, ir.PoolKind.AVERAGE, CLIP_ONLY, requant)


def _add(
    parts: Parts, name: str, source: ir.Source, names: Mapping[str, str], output: str
) -> ir.Op:
    zeros = _scalar(parts["a_zp"]), _scalar(parts["b_zp"])
    factors = _scalar(parts["a_mult"]), _scalar(parts["b_mult"])
    rule = ir.AddRule(*zeros, *factors, _shift(parts), _tail(parts))
    if _rounding(parts) == Rounding.DOUBLE:
        a, b = (factor >> ADD_HEADROOM for factor in factors)
        subtracted = str(parts["core"].op.name) == "relax.subtract"
        rule = replace(
            rule,
            rounding=Rounding.DOUBLE,
            a_mult=a,
            b_mult=-b if subtracted else b,
            a_shift=_scalar(parts["a_rest"]),
            b_shift=_scalar(parts["b_rest"]),
            sum_mult=_scalar(parts["sum_mult"]),
        )
    return ir.Add(name, source, names["a"], names["b"], output, rule)


def _mul(
    parts: Parts, name: str, source: ir.Source, names: Mapping[str, str], output: str
) -> ir.Op:
    rule = ir.MulRule(
        _scalar(parts["a_zp"]),
        _scalar(parts["b_zp"]),
        _scalar(parts["multiplier"]),
        _shift(parts),
        _tail(parts),
        _rounding(parts),
    )
    return ir.Mul(name, source, names["a"], names["b"], output, rule)


def _table(
    parts: Parts, name: str, source: ir.Source, names: Mapping[str, str], output: str
) -> ir.Op:
    by_byte = np.roll(array(parts["table"]), 128)  # the constant begins with the result for -128
    kind, clip = ir.PoolKind.MAX, ir.clipping()
    return ir.Pool(name, source, names["x"], output, kind, CLIP_ONLY, clip, by_byte)


def _max_pool2d(
    parts: Parts, name: str, source: ir.Source, names: Mapping[str, str], output: str
) -> ir.Op:
    attrs = parts["core"].attrs
    window = _window(attrs, (int(attrs.pool_size[0]), int(attrs.pool_size[1])))
    kind = ir.PoolKind.MAX
    return ir.Pool(name, source, names["x"], output, kind, window, ir.clipping())


def _clip(
    parts: Parts, name: str, source: ir.Source, names: Mapping[str, str], output: str
) -> ir.Op:
    clip = ir.clipping(_scalar(parts["lo"]), _scalar(parts["hi"]))
    return ir.Pool(name, source, names["x"], output, ir.PoolKind.MAX, CLIP_ONLY, clip)


_BUILDERS: dict[str, Callable[[Parts, str, ir.Source, Mapping[str, str], str], ir.Op]] = {
    "conv2d": _conv2d,
    "conv2d_transpose": _conv2d_transpose,
    "repeat": _repeat,
    "pad": _pad,
    "dense": _dense,
    "flatten_dense": _flatten_dense,
    "batch_matmul": _batch_matmul,
    "global_average_pool": _global_average_pool,
    "rescale": _rescale,
    "affine": _affine,
    "add": _add,
    "mul": _mul,
    "table": _table,
    "max_pool2d": _max_pool2d,
    "clip": _clip,
}
"""By pattern name; those that only rename a tensor make no op."""
