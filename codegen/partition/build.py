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

from codegen import ir
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


def copy(name: str, source: ir.Source, tensor: str, output: str) -> ir.Pool:
    """An op that changes nothing."""
    return ir.Pool(name, source, tensor, output, ir.PoolKind.MAX, CLIP_ONLY, ir.clipping())


def input_zero_points(kind: str, parts: Parts) -> dict[str, int]:
    """Zero points of the operands, as far as the op knows them."""
    if kind in ("add", "mul", "batch_matmul"):
        return {side: _scalar(parts[f"{side}_zp"]) for side in ("a", "b")}
    return {"x": _scalar(parts["x_zp"])} if "x_zp" in parts else {}


def _scalar(expr: Any) -> int:
    return int(array(expr).reshape(-1)[0])


def _tail(parts: Parts) -> ir.Tail:
    return ir.Tail(_scalar(parts["zp"]), _scalar(parts["lo"]), _scalar(parts["hi"]))


def _requant(parts: Parts, channels: int, offset: npt.NDArray[np.int64]) -> ir.Requant:
    """Requantization with `offset` added to the bias."""

    def spread(name: str) -> npt.NDArray[np.int64]:
        return np.broadcast_to(array(parts[name]).reshape(-1).astype(np.int64), (channels,))

    return ir.Requant(
        (spread("bias") + offset).astype(np.int32),
        spread("multiplier").astype(np.int32),
        spread("shift").astype(np.uint8),
        _tail(parts),
    )


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
    plain = not any(window.padding) and window.dilation == (1, 1)
    per_tensor = array(parts["multiplier"]).size == 1
    if (
        groups == len(weight)
        and weight.shape[3] == 1
        and (weight == 1).all()
        and plain
        and per_tensor
    ):
        pooled = _requant(parts, 1, np.asarray(-_scalar(parts["x_zp"]) * weight[0].size))
        kind = ir.PoolKind.AVERAGE
        return ir.Pool(name, source, names["x"], output, kind, window, pooled)
    return _conv(parts, weight, window, groups, (name, source, names, output))


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
    _, _, h, w = shape_of(parts["x"])
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
    rule = ir.AddRule(
        _scalar(parts["a_zp"]),
        _scalar(parts["b_zp"]),
        _scalar(parts["a_mult"]),
        _scalar(parts["b_mult"]),
        _scalar(parts["shift"]),
        _tail(parts),
    )
    return ir.Add(name, source, names["a"], names["b"], output, rule)


def _mul(
    parts: Parts, name: str, source: ir.Source, names: Mapping[str, str], output: str
) -> ir.Op:
    rule = ir.MulRule(
        _scalar(parts["a_zp"]),
        _scalar(parts["b_zp"]),
        _scalar(parts["multiplier"]),
        _scalar(parts["shift"]),
        _tail(parts),
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
