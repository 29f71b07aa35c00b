# SPDX-License-Identifier: Apache-2.0
"""Pad as a Relax op that later passes know, or as rows and pixels that are taken again.

TVM writes it as a loop nest of its own, which no pattern can read.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from tvm import relax
from tvm.ir import GenericConst
from tvm.relax.frontend.onnx import onnx_frontend

NUMPY_MODES = {"reflect": "reflect", "edge": "edge", "wrap": "wrap"}


def pad(bb: Any, inputs: Any, attrs: Any, params: Any) -> Any:
    """Converter of Pad (opset 11 and later); TVM's own for pads that only the input knows."""
    x, mode = inputs[0], bytes(attrs.get("mode", b"constant")).decode()
    known = [value is None or isinstance(value, GenericConst) for value in inputs[1:4]]
    if len(inputs) < 2 or not all(known):
        return onnx_frontend.Pad.get_converter(11)(bb, inputs, attrs, params)
    pads, value, axes = (
        None if value is None else value.value.numpy() for value in [*inputs[1:4], None, None][:3]
    )
    assert pads is not None
    shape = [int(size) for size in x.ty.shape]
    count = len(pads) // 2
    widths = [(0, 0)] * len(shape)
    for i, axis in enumerate(range(count) if axes is None else axes.tolist()):
        widths[axis] = int(pads[i]), int(pads[count + i])
    for axis, (before, after) in enumerate(widths):
        size = shape[axis]
        low, high = max(0, -before), size - max(0, -after)
        if (low, high) != (0, size):
            x = bb.normalize(relax.op.strided_slice(x, [axis], [low], [high], [1]))
    grown = [(max(before, 0), max(after, 0)) for before, after in widths]
    if mode == "constant":
        fill = 0.0 if value is None else float(value.reshape(-1)[0])
        flat = [width for pair in grown for width in pair]
        return relax.op.nn.pad(x, flat, "constant", fill) if any(flat) else x
    for axis, (before, after) in enumerate(grown):
        if before or after:
            size = int(x.ty.shape[axis])
            where = np.pad(np.arange(size), (before, after), NUMPY_MODES[mode])  # type: ignore[call-overload]
            x = bb.normalize(relax.op.take(x, relax.const(where, "int64"), axis=axis))
    return x
