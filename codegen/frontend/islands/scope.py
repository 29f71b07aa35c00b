# SPDX-License-Identifier: Apache-2.0
"""What the forms of all islands share: reading float QDQ Relax, writing integer Relax."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from tvm import relax
from tvm.ir import GenericConst
from tvm.relax.expr_functor import PyExprMutator

from accel.isa import Rounding
from codegen.frontend.arithmetic import FixedPoint, fixed_point, tflite_point
from codegen.frontend.expressions import array, axes_of, dtype_of, op_name, shape_of
from codegen.frontend.islands.shapes import SHAPE_OPS, along, applied
from codegen.frontend.onnx_import import merge_hints

INT8 = (-128, 127)


@dataclass(frozen=True, slots=True)
class Quantized:
    """A dequantized int8 value: scale * (value - zero_point)."""

    value: Any
    scale: npt.NDArray[np.float64]
    zero_point: int
    axis: int


@dataclass(frozen=True, slots=True)
class Island:
    """`quantize(clip(core))`, core over dequantized values."""

    core: Any
    """The op, behind its clips."""
    target: Quantized
    """What the result is quantized to; `value` means nothing."""
    clip: tuple[int, int]
    """Bounds of the int8 result."""
    parts: tuple[Any, ...]
    """Expressions that the integer form stands for: their names say where it comes from."""


@dataclass(slots=True)
class Notes:
    """What the pass found."""

    islands: int = 0
    float_error: float = 0.0
    """Largest bound over all islands; see `arithmetic.float_error`."""
    refused: dict[str, str] = field(default_factory=dict)
    """Variable name -> why its island stays float."""


def constant_of(values: Any, dtype: str) -> Any:
    """A Relax constant."""
    return relax.const(np.asarray(values, dtype), dtype)


class Scope(PyExprMutator):
    """A function that is being rewritten: what its variables mean, and a place to emit to."""

    def __init__(self, module: Any, notes: Notes, rounding: Rounding) -> None:
        super().__init__(module)
        self.notes = notes
        self.rounding = rounding
        self._shifted: dict[Any, Any] = {}
        self._moved: dict[Any, Quantized | None] = {}

    def unsigned(self, value: Any) -> Any:
        """The uint8 value that an int8 one stands for; who dequantizes it takes the int8 one."""
        wide = self.builder_.emit(relax.op.astype(value, "int16"))
        shifted = self.builder_.emit(relax.op.add(wide, constant_of(128, "int16")))
        return relax.op.astype(shifted, "uint8")

    def inside(self, value: Any) -> Any | None:
        """The int8 value behind what `unsigned` made."""
        shifted = self.bound(value)
        if op_name(shifted) != "relax.astype":
            return None
        added = self.bound(shifted.args[0])
        if op_name(added) != "relax.add" or not isinstance(added.args[1], GenericConst):
            return None
        wide = self.bound(added.args[0])
        if op_name(wide) != "relax.astype" or (array(added.args[1]) != 128).any():
            return None
        return wide.args[0] if dtype_of(wide.args[0]) == "int8" else None

    def signed(self, value: Any) -> Any:
        """A uint8 tensor as int8, shifted by 128; once for all that read it."""
        inside = self.inside(value)
        if inside is not None:
            return inside
        if value not in self._shifted:
            shifted = relax.op.subtract(relax.op.astype(value, "int16"), constant_of(128, "int16"))
            self._shifted[value] = self.builder_.emit(relax.op.astype(shifted, "int8"))
        return self._shifted[value]

    def bound(self, expr: Any) -> Any:
        """What a variable is bound to (in the rewritten function)."""
        while isinstance(expr, relax.Var):
            bound = self.lookup_binding(expr)
            if bound is None:
                break
            expr = bound
        return expr

    def hint(self, *exprs: Any) -> str:
        """Name for a variable that stands for `exprs`."""
        return merge_hints(*(str(e.name) for e in exprs if isinstance(e, relax.Var)))

    def refuse(self, island: Island, why: str) -> None:
        """Say why an island stays float."""
        self.notes.refused[self.hint(*island.parts)] = why

    def quantized(self, expr: Any) -> Quantized | None:
        """Read `dequantize(value)` with constant scale and zero point 0 or per tensor."""
        call = self.bound(expr)
        if op_name(call) != "relax.dequantize":
            return None
        value, scale, zero = call.args
        if not isinstance(scale, GenericConst) or not isinstance(zero, GenericConst):
            return None
        zeros = array(zero).astype(np.int64)
        if isinstance(value, GenericConst) and array(value).dtype == np.uint8:
            value, zeros = constant_of(array(value).astype(np.int16) - 128, "int8"), zeros - 128
        elif dtype_of(value) == "uint8":
            value, zeros = self.signed(value), zeros - 128
        if zeros.size > 1 and (zeros != zeros.flat[0]).any():
            return None
        scales = array(scale).astype(np.float64).reshape(-1)
        return Quantized(value, scales, int(zeros.flat[0]), int(call.attrs.axis))

    def activation(self, expr: Any) -> Quantized | None:
        """Read `dequantize(value)` of an int8 activation with one scale, through shape ops."""
        call = self.bound(expr)
        if op_name(call) in SHAPE_OPS:
            if call not in self._moved:
                inner = self.activation(call.args[0])
                self._moved[call] = inner and replace(
                    inner, value=applied(self, inner.value, call, self.hint(expr))
                )
            return self._moved[call]
        found = self.quantized(expr)
        if found is None or isinstance(found.value, GenericConst) or found.scale.size != 1:
            return None
        return found if dtype_of(found.value) == "int8" else None

    def is_activation(self, call: Any) -> bool:
        """Whether `call` dequantizes an int8 activation."""
        return self.activation(call) is not None

    def constant(self, expr: Any) -> npt.NDArray[np.float64] | None:
        """Real values of a constant, through dequantize and reshape."""
        call = self.bound(expr)
        if isinstance(call, GenericConst):
            return array(call).astype(np.float64)
        if op_name(call) in ("relax.reshape", "relax.permute_dims"):
            inner = self.constant(call.args[0])
            if inner is None:
                return None
            if op_name(call) == "relax.reshape":
                return inner.reshape(shape_of(call))
            return inner.transpose(axes_of(call))
        if op_name(call) == "relax.dequantize" and isinstance(call.args[0], GenericConst):
            values = array(call.args[0]).astype(np.float64)
            scale, zero = array(call.args[1]).astype(np.float64), array(call.args[2])
            if scale.size > 1:
                shape = [1] * values.ndim
                shape[int(call.attrs.axis)] = scale.size
                scale, zero = scale.reshape(shape), zero.reshape(shape) if zero.size > 1 else zero
            return np.asarray((values - zero.astype(np.float64)) * scale)
        return None

    def steps(self, expr: Any, scale: npt.NDArray[np.float64]) -> npt.NDArray[np.int64] | None:
        """A constant that is stored as int32 steps of `scale`, exactly: so are biases."""
        call = self.bound(expr)
        if op_name(call) == "relax.reshape":
            return self.steps(call.args[0], scale)
        if op_name(call) != "relax.dequantize" or not isinstance(call.args[0], GenericConst):
            return None
        values, own, zero = (array(argument) for argument in call.args)
        same = np.allclose(own.astype(np.float64), scale, rtol=1e-6, atol=0)
        if values.dtype != np.int32 or zero.any() or not same:
            return None
        return values.astype(np.int64).reshape(-1)

    def weights(self, expr: Any) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float64]] | None:
        """Constant int8 weights and their scales along the output channels (axis 0 or last)."""
        call = self.bound(expr)
        if op_name(call) == "relax.permute_dims":
            inner = self.weights(call.args[0])
            if inner is None:
                return None
            return inner[0].transpose(axes_of(call)), inner[1]
        found = self.quantized(call)
        if found is None or not isinstance(found.value, GenericConst) or found.zero_point != 0:
            return None
        values = array(found.value)
        return (values, found.scale) if values.dtype == np.int8 else None

    def wide(self, x: Quantized, dtype: str) -> Any:
        """astype(x) - zero point."""
        wide = self.builder_.emit(relax.op.astype(x.value, dtype))
        return self.builder_.emit(relax.op.subtract(wide, constant_of(x.zero_point, dtype)))

    def point(self, scale: npt.NDArray[np.float64]) -> FixedPoint | None:
        """Fixed-point form of scales, by the rule that is in force."""
        double = self.rounding == Rounding.DOUBLE
        return tflite_point(scale) if double else fixed_point(scale)

    def requantize(
        self,
        acc: Any,
        bias: npt.NDArray[np.int64],
        point: FixedPoint,
        shape: tuple[int, ...],
        island: Island,
    ) -> Any:
        """Bias and multiplier, in `shape`, then `finish`."""
        emit = self.builder_.emit
        total = emit(relax.op.add(emit(acc), constant_of(bias.reshape(shape), "int32")))
        multiplier = constant_of(point.multiplier.reshape(shape), "int64")
        product = emit(relax.op.multiply(emit(relax.op.astype(total, "int64")), multiplier))
        shift = point.shift.reshape(shape)
        return self.finish(product, shift, island)

    def finish(
        self,
        product: Any,
        shift: npt.NDArray[np.int64],
        island: Island,
    ) -> Any:
        """Rounding shift, zero point, clip, int8."""
        emit = self.builder_.emit
        double = self.rounding == Rounding.DOUBLE
        y = self.shifted_twice(product, shift) if double else self.shifted(product, shift)
        y = emit(relax.op.add(y, constant_of(island.target.zero_point, "int64")))
        y = emit(relax.op.maximum(y, constant_of(island.clip[0], "int64")))
        y = emit(relax.op.minimum(y, constant_of(island.clip[1], "int64")))
        return emit(relax.op.astype(y, "int8"), name_hint=self.hint(*island.parts))

    def shifted(self, product: Any, shift: npt.NDArray[np.int64]) -> Any:
        """Right shift, rounding half up."""
        emit = self.builder_.emit
        rounded = emit(relax.op.add(product, constant_of(np.int64(1) << (shift - 1), "int64")))
        return emit(relax.op.right_shift(rounded, constant_of(shift, "int64")))

    def shifted_twice(self, product: Any, shift: npt.NDArray[np.int64]) -> Any:
        """Right shift by at most 31, half up; then by the rest, half away from zero.

        `numerics.round_shift_twice`; h >> 63 is -1 where h is negative.
        """
        emit = self.builder_.emit
        first = np.minimum(shift, 31)
        rest = shift - first
        more = (rest > 0).astype(np.int64)
        half = more << np.maximum(rest - 1, 0)
        h = self.shifted(product, first)
        sign = emit(relax.op.right_shift(h, constant_of(63, "int64")))
        below = emit(relax.op.multiply(sign, constant_of(more, "int64")))
        y = emit(relax.op.add(emit(relax.op.add(h, below)), constant_of(half, "int64")))
        return emit(relax.op.right_shift(y, constant_of(rest, "int64")))

    def same_or_rescaled(self, x: Quantized, island: Island) -> Any:
        """`x` as the island wants it: nothing, a clip, or a change of scale."""
        return along(self, lambda value: self._same_or_rescaled(value, island), x)

    def _same_or_rescaled(self, x: Quantized, island: Island) -> Any:
        emit = self.builder_.emit
        if np.float32(x.scale[0]) == np.float32(island.target.scale[0]) and (
            x.zero_point == island.target.zero_point
        ):
            if island.clip == INT8:
                return x.value
            y = emit(relax.op.maximum(x.value, constant_of(island.clip[0], "int8")))
            hint = self.hint(*island.parts)
            return emit(relax.op.minimum(y, constant_of(island.clip[1], "int8")), name_hint=hint)
        point = self.point(x.scale / island.target.scale[0])
        if point is None:
            return None
        rank = len(shape_of(x.value))
        wide = self.wide(x, "int32")
        zero = np.zeros(1, np.int64)
        return self.requantize(wide, zero, point, (1,) * rank, island)
