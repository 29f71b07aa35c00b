# SPDX-License-Identifier: Apache-2.0
"""MaxPool with its second output, where each maximum was found, and with right SAME_LOWER.

TVM has the first output only, and loses a row and a column to SAME_LOWER with a stride.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
from tvm import relax
from tvm.relax.frontend.onnx import onnx_frontend

from codegen.frontend.pads import with_pads

INT32_MIN = -(2**31)


def max_pool(bb: Any, inputs: Any, attrs: Any, params: Any) -> Any:
    """Converter of MaxPool: TVM's, and the indices where they are asked for.

    An index counts over the whole input tensor, its last two axes swapped for `storage_order=1`.
    Of equal maxima the first counts.
    """
    x = inputs[0]
    shape = [int(size) for size in x.ty.shape]
    attrs = with_pads(shape[2:], attrs)
    pooled = bb.normalize(onnx_frontend.MaxPool.get_converter(12)(bb, inputs, attrs, params))
    if attrs["tvm_custom"]["num_outputs"] == 1:
        return pooled
    out = [int(size) for size in pooled.ty.shape]
    rank = len(out) - 2
    strides = list(attrs.get("strides", [1] * rank))
    dilations = list(attrs.get("dilations", [1] * rank))
    kernel = list(attrs["kernel_shape"])
    spans = [
        (o - 1) * s + (k - 1) * d + 1
        for o, s, k, d in zip(out[2:], strides, kernel, dilations, strict=True)
    ]
    begins = list(attrs["pads"])[:rank]
    ends = [max(0, n - i - b) for n, i, b in zip(spans, shape[2:], begins, strict=True)]
    padded, index = _padded(bb, x, begins, ends), _indices(shape, begins, ends, attrs)
    best: Any = None
    axes = list(range(2, len(shape)))
    for tap in product(*map(range, kernel)):
        first = [t * d for t, d in zip(tap, dilations, strict=True)]
        stop = [f + (o - 1) * s + 1 for f, o, s in zip(first, out[2:], strides, strict=True)]
        values = bb.emit(relax.op.strided_slice(padded, axes, first, stop, strides))
        window = (slice(None), slice(None), *map(slice, first, stop, strides))
        where = relax.const(np.ascontiguousarray(index[window]), "int64")
        if best is None:
            best, found = values, where
            continue
        better = bb.emit(relax.op.greater(values, best))
        found = bb.emit(relax.op.where(better, where, found))
        best = bb.emit(relax.op.maximum(values, best))
    return relax.Tuple([pooled, found])


def _padded(bb: Any, x: Any, begins: list[int], ends: list[int]) -> Any:
    """The input with a border that is below every value in it."""
    if "int" in str(x.ty.dtype.dtype):
        x, lowest = relax.op.astype(x, "int32"), float(INT32_MIN)
    else:
        lowest = float("-inf")
    widths = [0, 0, 0, 0, *(w for pair in zip(begins, ends, strict=True) for w in pair)]
    return bb.emit(relax.op.nn.pad(x, widths, "constant", lowest))


def _indices(
    shape: list[int], begins: list[int], ends: list[int], attrs: Any
) -> npt.NDArray[np.int64]:
    """Index of every element of the padded input; what the border has never wins."""
    order = list(range(len(shape)))
    if attrs.get("storage_order", 0):
        order[-2:] = order[-1], order[-2]
    counted = np.arange(np.prod(shape), dtype=np.int64).reshape([shape[a] for a in order])
    return np.pad(counted.transpose(order), [(0, 0), (0, 0), *zip(begins, ends, strict=True)])
