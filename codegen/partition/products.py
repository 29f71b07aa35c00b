# SPDX-License-Identifier: Apache-2.0
"""Convolutions and matrix products from the parts of a matched pattern.

Zero points move from the operands into the bias: sum(w * (x - zx)) + b = sum(w * x) + (b - zx *
sum(w)). Layouts become NHWC, dense becomes convolution.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from codegen import ir
from codegen.bands import POINT
from codegen.mosaics import transposed
from codegen.partition.place import Place
from codegen.partition.pools import uneven_average
from codegen.partition.requant import requant_of, scalar, window_of, zeros_of
from codegen.partition.values import Parts, array, shape_of


def _conv(
    parts: Parts, place: Place, weight: npt.NDArray[np.int8], window: ir.Window2d, groups: int = 1
) -> ir.Conv:
    sums = weight.astype(np.int64).sum(axis=(1, 2, 3))
    requant = requant_of(parts, len(weight), -scalar(parts["x_zp"]) * sums)
    return ir.Conv(*place.of_one, np.ascontiguousarray(weight), window, groups, requant)


def conv2d(parts: Parts, place: Place) -> ir.Op:
    """A convolution; a depthwise one with ones is an average pool."""
    attrs = parts["core"].attrs
    weight = array(parts["weight"]).transpose(0, 2, 3, 1)
    window = window_of(attrs, (weight.shape[1], weight.shape[2]))
    groups = int(attrs.groups)
    if len(shape_of(parts["multiplier"])) == 4 and shape_of(parts["multiplier"])[2:] != (1, 1):
        return uneven_average(parts, place, window)
    plain = not any(window.padding) and window.dilation == (1, 1)
    per_tensor = array(parts["multiplier"]).size == 1
    sums = groups == len(weight) and weight.shape[3] == 1 and bool((weight == 1).all())
    if sums and plain and per_tensor:
        pooled = requant_of(parts, 1, -scalar(parts["x_zp"]) * weight[0].size)
        return ir.Pool(*place.of_one, ir.PoolKind.AVERAGE, window, pooled)
    conv = _conv(parts, place, weight, window, groups)
    return replace(conv, overhead=sums)  # the average of a padded window multiplies nothing


def conv2d_transpose(parts: Parts, place: Place) -> ir.Op:
    """A transposed convolution, as convolutions that interleave."""
    attrs = parts["core"].attrs
    groups, stored = int(attrs.groups), array(parts["weight"])
    cin, cout_group, *kernel = stored.shape
    split = stored.reshape(groups, cin // groups, cout_group, *kernel)
    weight = split.transpose(0, 2, 3, 4, 1).reshape(-1, *kernel, cin // groups)
    window = window_of(attrs, (kernel[0], kernel[1]))
    requant = requant_of(parts, len(weight))
    conv = ir.Conv(*place.of_one, weight, window, groups, requant)
    _, _, h, w = shape_of(parts["core"])
    return transposed(conv, (h, w), scalar(parts["x_zp"]))


def dense(parts: Parts, place: Place) -> ir.Op:
    """Rows times a constant matrix."""
    return _conv(parts, place, array(parts["weight"]).T[:, None, None, :], POINT)


def flatten_dense(parts: Parts, place: Place) -> ir.Op:
    """The same of flattened images: the kernel is a whole image."""
    _, c, h, w = shape_of(parts["x"])
    weight = array(parts["weight"]).T.reshape(-1, c, h, w).transpose(0, 2, 3, 1)
    return _conv(parts, place, weight, ir.Window2d((h, w)))


def affine(parts: Parts, place: Place) -> ir.Op:
    """A factor and a summand for each channel."""
    weight = array(parts["weight"]).astype(np.int8).reshape(-1, 1, 1, 1)
    return replace(_conv(parts, place, weight, POINT, len(weight)), overhead=True)


def batch_matmul(parts: Parts, place: Place) -> ir.Op:
    """The product of two activations."""
    shape = shape_of(parts["a"])
    images, heads = shape[0] if len(shape) > 2 else 1, shape[1] if len(shape) == 4 else 1
    return ir.MatMul(*place.of_two, images, heads, False, *zeros_of(parts), requant_of(parts))
