# SPDX-License-Identifier: Apache-2.0
"""Codes of 8- and 4-bit floats in Relax, through tables: one code per uint8.

A code is found by counting thresholds: where two neighbouring values meet, the tie belongs to the
even code (https://onnx.ai/onnx/technical/float8.html). Codes of positive values ascend with them;
the topmost bit is the sign.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, helper
from tvm import relax

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FloatCodes:
    """What the codes of a type mean."""

    values: Floats
    """Value of every code."""
    finite: int
    """Codes from zero to the largest finite value."""

    @property
    def sign(self) -> int:
        """Code of minus zero."""
        return len(self.values) // 2

    def thresholds(self, saturate: bool) -> Floats:
        """Smallest magnitude of each code but the first.

        Args:
            saturate: what is too large becomes the largest value, not the code above it (infinity
                or NaN).
        """
        reached = self.values[: self.finite].astype(np.float64)
        if not saturate:
            reached = np.append(reached, 2 * reached[-1] - reached[-2])
        middle = ((reached[:-1] + reached[1:]) / 2).astype(np.float32)
        even_below = np.arange(len(middle)) % 2 == 0
        return np.where(even_below, np.nextafter(middle, np.float32(np.inf)), middle)


def float_codes(type_: int) -> FloatCodes:
    """Codes of an ONNX float type of at most eight bits, with a sign bit and a minus zero."""
    bits = 4 if type_ == TensorProto.FLOAT4E2M1 else 8
    kind = helper.tensor_dtype_to_np_dtype(type_)
    values = np.arange(1 << bits, dtype=np.uint8).view(kind).astype(np.float32)
    return FloatCodes(values, int(np.isfinite(values[: len(values) // 2]).sum()))


def decode(bb: Any, codes: Any, type_: int) -> Any:
    """float32 values of codes."""
    table = relax.const(float_codes(type_).values)
    index = bb.emit(relax.op.reshape(bb.emit(relax.op.astype(codes, "int32")), (-1,)))
    return bb.emit(relax.op.reshape(bb.emit(relax.op.take(table, index, axis=0)), codes.ty.shape))


def encode(bb: Any, values: Any, type_: int, saturate: bool) -> Any:
    """Nearest codes of float32 values; NaN has the largest positive code."""
    known = float_codes(type_)
    thresholds = relax.const(known.thresholds(saturate))
    size = bb.emit(relax.op.abs(values))
    # right: a value equal to a threshold has passed it
    code = bb.emit(relax.op.bucketize(size, thresholds, out_int32=True, right=True))
    negative = relax.op.less(values, relax.const(0.0))
    sign = relax.op.where(negative, relax.const(known.sign), relax.const(0))
    signed = bb.emit(relax.op.add(code, sign))
    code = relax.op.where(relax.op.isnan(values), relax.const(known.sign - 1), signed)
    return bb.emit(relax.op.astype(code, "uint8"))
