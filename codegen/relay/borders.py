# SPDX-License-Identifier: Apache-2.0
"""uint8 outside, int8 inside: the int8 values that old expressions stand for."""

from __future__ import annotations

from typing import Any

from tvm import relay

from codegen.relay import forms
from codegen.relay.expressions import const, dtype_of, with_arguments
from codegen.relay.forms import Quantized, Target
from codegen.relay.islands import is_constant, scalar

ACTIVATIONS = ("int8", "uint8")


class Borders:
    """What old expressions of a module became."""

    def __init__(self) -> None:
        self.new: dict[Any, Any] = {}
        """Old expression -> new one, of the same type."""
        self.int8: dict[Any, Any] = {}
        """Old int8 or uint8 expression -> new one of int8, shifted by 128 if it was uint8."""

    def inside(self, old: Any) -> Any:
        """The int8 value of an old int8 or uint8 expression."""
        if old not in self.int8:
            new = self.new[old]
            self.int8[old] = new if dtype_of(old) == "int8" else forms.signed(new)
        return self.int8[old]

    def activation(self, value: Any, scale: Any, zero: Any) -> Quantized | None:
        """An int8 activation with one scale and one zero point."""
        known, offset = scalar(scale), scalar(zero)
        if known is None or offset is None or is_constant(value):
            return None
        if dtype_of(value) not in ACTIVATIONS:
            return None
        shift = 128 if dtype_of(value) == "uint8" else 0
        return Quantized(self.inside(value), known, int(offset) - shift)

    def target(self, call: Any, affine: Any, clip: tuple[int, int], hint: str) -> Target | None:
        """What a call quantizes to, as int8; `affine` is its scale and zero point."""
        known, offset = map(scalar, affine)
        if known is None or offset is None:
            return None
        shift = 128 if dtype_of(call) == "uint8" else 0
        return Target(known, int(offset) - shift, clip, hint)

    def quantize(self, call: Any) -> Any | None:
        """To int8 what was quantized to uint8."""
        value, scale, zero = call.args
        offset = scalar(zero)
        if dtype_of(call) == "int8" or offset is None or scalar(scale) is None:
            return None
        zero = const(offset - 128, "int32")
        return relay.qnn.op.quantize(self.new[value], scale, zero, call.attrs.axis, "int8")

    def dequantize(self, call: Any) -> Any:
        """From int8 what was dequantized from uint8."""
        value, scale, zero = call.args
        offset = scalar(zero)
        if dtype_of(value) == "uint8" and value in self.int8 and offset is not None:
            zero = const(offset - 128, "int32")
            return relay.qnn.op.dequantize(self.int8[value], scale, zero, call.attrs.axis)
        return with_arguments(call, [self.new[operand] for operand in call.args])
