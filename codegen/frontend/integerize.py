# SPDX-License-Identifier: Apache-2.0
"""Rewrite quantized islands, `quantize(op(dequantize(x), ...))`, into integer Relax.

What results has one written meaning (accel/numerics.py); TVM's host build of it is the golden
reference of model and RTL. Activations are int8 inside: uint8 is shifted by 128 at the borders.

    conv   astype(clip(((conv2d(astype(x, int16) - zx, w) + bias) * m + 2^(s-1) >> s) + zy), int8)
    add    astype(clip(((a - za) * ma + (b - zb) * mb + 2^(s-1) >> s) + zy), int8)
    mul    astype(clip(((a - za) * (b - zb) * m + 2^(s-1) >> s) + zy), int8)
    table  take(constant, astype(x, int32) + 128): any function of one value
    affine (a - za) * w per channel, then as conv
    matmul as conv; both operands may be activations, less their zero points

Islands of other ops stay float and run on the host. Before: float QDQ. After: the same dataflow,
with integer islands; unused dequantize calls are gone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from tvm import relax
from tvm.ir import Call, GenericConst
from tvm.relax.expr_functor import PyExprMutator, mutator

from codegen.frontend.affine import affine
from codegen.frontend.arithmetic import FixedPoint, add_point, fixed_point, float_error
from codegen.frontend.elementwise import NotPointwise, quantized, tabulate
from codegen.frontend.onnx_import import merge_hints

INT8 = (-128, 127)
FLOAT_ERROR_LIMIT = 0.5
AFFINE_WEIGHT = 64
"""Weight of a factor per channel: offsets are rounded to this part of an input step."""
AFFINE_FINEST = 1 << 16
"""A factor that moves the output by less than this part of a step for an input step is none."""


@dataclass(frozen=True, slots=True)
class Quantized:
    """A dequantized int8 value: scale * (value - zero_point)."""

    value: Any
    scale: npt.NDArray[np.float64]
    zero_point: int
    axis: int


@dataclass(slots=True)
class Notes:
    """What the pass found."""

    islands: int = 0
    float_error: float = 0.0
    """Largest bound over all islands; see `arithmetic.float_error`."""
    refused: dict[str, str] = field(default_factory=dict)
    """Variable name -> why its island stays float."""


def integerize(module: Any) -> tuple[Any, Notes]:
    """Rewrite `main` of a float QDQ module.

    Args:
        module: tvm.IRModule as `onnx_import.import_onnx` gives it.

    Returns:
        The integer module, and notes.
    """
    notes = Notes()
    rewriter = _Integerize(module, notes)
    main = module.get_global_var("main")
    rewriter.builder_.update_func(main, rewriter.visit_expr(module["main"]))
    result = rewriter.builder_.get()
    result = relax.transform.RemoveUnusedOutputs()(result)
    return relax.transform.DeadCodeElimination()(result), notes


def array(constant: Any) -> npt.NDArray[Any]:
    """NumPy value of a Relax constant."""
    return np.asarray(constant.value.numpy())


def _op(expr: Any) -> str:
    return str(expr.op.name) if isinstance(expr, Call) and hasattr(expr.op, "name") else ""


def _shape(expr: Any) -> tuple[int, ...]:
    return tuple(int(size) for size in expr.ty.shape)


def _dtype(expr: Any) -> str:
    return str(expr.ty.dtype.dtype)


def _const(values: Any, dtype: str) -> Any:
    return relax.const(np.asarray(values, dtype), dtype)


@mutator
class _Integerize(PyExprMutator):
    """Walks `main`; an island is rewritten where its quantize is met."""

    def __init__(self, module: Any, notes: Notes) -> None:
        super().__init__(module)
        self.notes = notes
        self._shifted: dict[Any, Any] = {}
        self._name = ""

    def visit_var_binding_(self, binding: Any) -> None:
        self._name = str(binding.var.name)
        super().visit_var_binding_(binding)

    def visit_call_(self, call: Any) -> Any:
        call = super().visit_call_(call)
        name = _op(call)
        if name == "relax.quantize":
            return self._quantize(call)
        return self._dequantize(call) if name == "relax.dequantize" else call

    # Borders: uint8 outside, int8 inside.

    def _unsigned(self, value: Any) -> Any:
        """The uint8 value that an int8 one stands for; who dequantizes it takes the int8 one."""
        wide = self.builder_.emit(relax.op.astype(value, "int16"))
        shifted = self.builder_.emit(relax.op.add(wide, _const(128, "int16")))
        return relax.op.astype(shifted, "uint8")

    def _inside(self, value: Any) -> Any | None:
        """The int8 value behind what `_unsigned` made."""
        shifted = self._bound(value)
        if _op(shifted) != "relax.astype":
            return None
        added = self._bound(shifted.args[0])
        if _op(added) != "relax.add" or not isinstance(added.args[1], GenericConst):
            return None
        wide = self._bound(added.args[0])
        if _op(wide) != "relax.astype" or (array(added.args[1]) != 128).any():
            return None
        return wide.args[0] if _dtype(wide.args[0]) == "int8" else None

    def _signed(self, value: Any) -> Any:
        """A uint8 tensor as int8, shifted by 128; once for all that read it."""
        inside = self._inside(value)
        if inside is not None:
            return inside
        if value not in self._shifted:
            shifted = relax.op.subtract(relax.op.astype(value, "int16"), _const(128, "int16"))
            self._shifted[value] = self.builder_.emit(relax.op.astype(shifted, "int8"))
        return self._shifted[value]

    def _dequantize(self, call: Any) -> Any:
        """Where the value is int8 inside, the zero point is too."""
        value, scale, zero = call.args
        inside = self._inside(value) if _dtype(value) == "uint8" else None
        if inside is None or not isinstance(zero, GenericConst):
            return call
        shifted = _const(array(zero).astype(np.int16) - 128, "int8")
        return relax.op.dequantize(inside, scale, shifted, call.attrs.axis, call.attrs.out_dtype)

    def _quantize(self, call: Any) -> Any:
        value, scale, zero = call.args
        unsigned = _dtype(call) == "uint8"
        if not isinstance(scale, GenericConst) or not isinstance(zero, GenericConst):
            return call
        if not unsigned and _dtype(call) != "int8":
            return call
        scales = array(scale).astype(np.float64).reshape(-1)
        zeros = array(zero).astype(np.int64).reshape(-1) - (128 if unsigned else 0)
        if scales.size != 1 or zeros.size != 1:
            return call
        target = Quantized(None, scales, int(zeros[0]), 0)
        result = self._island(value, target)
        if result is not None:
            self.notes.islands += 1
        else:
            zero = _const(zeros[0], "int8")
            result = relax.op.quantize(value, scale, zero, call.attrs.axis, "int8")
        if not unsigned:
            return result
        return self._unsigned(self.builder_.emit(result, name_hint=self._name))

    # Islands.

    def _bound(self, expr: Any) -> Any:
        """What a variable is bound to (in the rewritten function)."""
        if isinstance(expr, relax.Var):
            bound = self.lookup_binding(expr)
            return expr if bound is None else bound
        return expr

    def _hint(self, *exprs: Any) -> str:
        return merge_hints(*(str(e.name) for e in exprs if isinstance(e, relax.Var)))

    def _quantized(self, expr: Any) -> Quantized | None:
        """Read `dequantize(value)` with constant scale and zero point 0 or per tensor."""
        call = self._bound(expr)
        if _op(call) != "relax.dequantize":
            return None
        value, scale, zero = call.args
        if not isinstance(scale, GenericConst) or not isinstance(zero, GenericConst):
            return None
        zeros = array(zero).astype(np.int64)
        if isinstance(value, GenericConst) and array(value).dtype == np.uint8:
            value, zeros = _const(array(value).astype(np.int16) - 128, "int8"), zeros - 128
        elif _dtype(value) == "uint8":
            value, zeros = self._signed(value), zeros - 128
        if zeros.size > 1 and (zeros != zeros.flat[0]).any():
            return None
        scales = array(scale).astype(np.float64).reshape(-1)
        return Quantized(value, scales, int(zeros.flat[0]), int(call.attrs.axis))

    def _activation(self, expr: Any) -> Quantized | None:
        found = self._quantized(expr)
        if found is None or isinstance(found.value, GenericConst) or found.scale.size != 1:
            return None
        return found if _dtype(found.value) == "int8" else None

    def _island(self, value: Any, target: Quantized) -> Any | None:
        """Integer form of quantize(value), or None."""
        parts, bounds = [value], [-math.inf, math.inf]
        core = self._bound(value)
        while _op(core) in ("relax.nn.relu", "relax.clip"):
            low, high = 0.0, math.inf
            if _op(core) == "relax.clip":
                low, high = float(core.args[1].value), float(core.args[2].value)
            bounds = [max(bounds[0], low), min(bounds[1], high)]
            parts.append(core.args[0])
            core = self._bound(core.args[0])
        clip = self._clip(bounds, target)
        biased = core
        if _op(core) in ("relax.add", "relax.subtract"):
            added = self._add(core, target, clip, parts)
            if added is not None:
                return added
            inner = self._bound(core.args[0])
            if _op(core) == "relax.add" and _op(inner) in ("relax.nn.conv2d", "relax.matmul"):
                bias = self._constant(core.args[1])
                if bias is None:
                    return None
                return self._product(inner, bias, target, clip, [*parts, core.args[0]])
        handlers = {
            "relax.nn.conv2d": lambda: self._product(core, None, target, clip, parts),
            "relax.matmul": lambda: self._product(core, None, target, clip, parts),
            "relax.multiply": lambda: self._multiply(core, target, clip, parts),
            "relax.mean": lambda: self._mean(core, target, clip, parts),
            "relax.nn.avg_pool2d": lambda: self._average(core, target, clip, parts),
            "relax.nn.max_pool2d": lambda: self._max(core, target, clip, parts),
            "relax.reshape": lambda: self._moved(core, target, clip, parts),
            "relax.permute_dims": lambda: self._moved(core, target, clip, parts),
            "relax.dequantize": lambda: self._rescale(biased, target, clip, parts),
        }
        handler = handlers.get(_op(core))
        found = None if handler is None else handler()
        if found is None:
            found = self._affine(core, target, clip, parts)
        return self._table(value, target) if found is None else found

    @staticmethod
    def _clip(bounds: list[float], target: Quantized) -> tuple[int, int]:
        """Float bounds as int8 values; exact, since quantizing is monotone."""
        scale = np.float32(target.scale[0])

        def quantize(bound: float, otherwise: int) -> int:
            if not math.isfinite(bound):
                return otherwise
            with np.errstate(over="ignore"):  # far beyond int8 is far enough
                step = np.rint(np.float32(bound) / scale) + target.zero_point
            return int(np.clip(step, *INT8))

        return quantize(bounds[0], INT8[0]), quantize(bounds[1], INT8[1])

    def _constant(self, expr: Any) -> npt.NDArray[np.float64] | None:
        """Real values of a constant, through dequantize and reshape."""
        call = self._bound(expr)
        if isinstance(call, GenericConst):
            return array(call).astype(np.float64)
        if _op(call) in ("relax.reshape", "relax.permute_dims"):
            inner = self._constant(call.args[0])
            if inner is None:
                return None
            if _op(call) == "relax.reshape":
                return inner.reshape(_shape(call))
            return inner.transpose(self._axes(call, inner.ndim))
        if _op(call) == "relax.dequantize" and isinstance(call.args[0], GenericConst):
            values = array(call.args[0]).astype(np.float64)
            scale, zero = array(call.args[1]).astype(np.float64), array(call.args[2])
            if scale.size > 1:
                shape = [1] * values.ndim
                shape[int(call.attrs.axis)] = scale.size
                scale, zero = scale.reshape(shape), zero.reshape(shape) if zero.size > 1 else zero
            return np.asarray((values - zero.astype(np.float64)) * scale)
        return None

    @staticmethod
    def _axes(call: Any, rank: int) -> tuple[int, ...]:
        axes = call.attrs.axes
        return tuple(reversed(range(rank))) if axes is None else tuple(int(a) for a in axes)

    def _weights(self, expr: Any) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float64]] | None:
        """Constant int8 weights and their scales along the output channels (axis 0 or last)."""
        call = self._bound(expr)
        if _op(call) == "relax.permute_dims":
            inner = self._weights(call.args[0])
            if inner is None:
                return None
            return inner[0].transpose(self._axes(call, inner[0].ndim)), inner[1]
        found = self._quantized(call)
        if found is None or not isinstance(found.value, GenericConst) or found.zero_point != 0:
            return None
        values = array(found.value)
        return (values, found.scale) if values.dtype == np.int8 else None

    def _product(
        self,
        core: Any,
        bias: npt.NDArray[np.float64] | None,
        target: Quantized,
        clip: tuple[int, int],
        parts: list[Any],
    ) -> Any | None:
        """Convolution or matrix product."""
        if _op(core) == "relax.matmul" and bias is None:
            found = self._product_of_two(core, target, clip, parts)
            if found is not None:
                return found
        x, weights = self._activation(core.args[0]), self._weights(core.args[1])
        if x is None or weights is None:
            return None
        w, w_scale = weights
        conv = _op(core) == "relax.nn.conv2d"
        if conv and (w.ndim != 4 or core.attrs.data_layout != "NCHW"):
            return None
        if not conv and w.ndim != 2:
            return None
        channels = w.shape[0] if conv else w.shape[1]
        scale = np.broadcast_to(x.scale[0] * w_scale, (channels,))
        point = fixed_point(scale / target.scale[0])
        if point is None:
            return None
        real = np.zeros(channels) if bias is None else bias.reshape(-1)
        if real.size not in (1, channels):
            return None
        whole = np.rint(np.broadcast_to(real, (channels,)) / scale)
        magnitude = np.abs(w.astype(np.float64)).sum(axis=(1, 2, 3) if conv else 0)
        largest = max(x.zero_point + 128, 127 - x.zero_point)
        if (np.abs(whole) + magnitude * 255 >= 2.0**31).any():
            self.notes.refused[self._hint(*parts)] = "its int32 sums can overflow"
            return None
        terms = w[0].size if conv else w.shape[0]
        error = float_error(terms, largest, magnitude, scale / target.scale[0])
        self.notes.float_error = max(self.notes.float_error, error)
        wide = self._wide(x, "int16")
        weight = relax.const(np.ascontiguousarray(w), "int8")
        if conv:
            a = core.attrs
            acc = relax.op.nn.conv2d(
                wide, weight, a.strides, a.padding, a.dilation, a.groups, out_dtype="int32"
            )
            shape: tuple[int, ...] = (1, channels, 1, 1)
        else:
            acc = relax.op.matmul(wide, weight, out_dtype="int32")
            shape = (*(1,) * (len(_shape(x.value)) - 1), channels)
        return self._requantize(acc, whole.astype(np.int64), point, shape, target, clip, parts)

    def _product_of_two(
        self, core: Any, target: Quantized, clip: tuple[int, int], parts: list[Any]
    ) -> Any | None:
        """Matrix product of two activations, batch by batch."""
        a, b = self._activation(core.args[0]), self._activation(core.args[1])
        if a is None or b is None or _shape(a.value)[:-2] != _shape(b.value)[:-2]:
            return None
        inner = _shape(a.value)[-1]
        scale = np.asarray([a.scale[0] * b.scale[0]])
        point = fixed_point(scale / target.scale[0])
        if point is None or inner * 255.0**2 >= 2.0**31:
            return None
        sums = np.asarray([inner * 255.0])
        error = float_error(inner, 255, sums, scale / target.scale[0])
        self.notes.float_error = max(self.notes.float_error, error)
        left, right = self._wide(a, "int16"), self._wide(b, "int16")
        acc = relax.op.matmul(left, right, out_dtype="int32")
        ones = (1,) * len(_shape(a.value))
        return self._requantize(acc, np.zeros(1, np.int64), point, ones, target, clip, parts)

    def _affine(
        self, core: Any, target: Quantized, clip: tuple[int, int], parts: list[Any]
    ) -> Any | None:
        """A factor and an offset per channel."""
        rank = len(_shape(core))
        found = affine(core, rank, self._bound, self._is_activation, self._constant)
        if found is None or max(found.factor.size, found.offset.size) == 1:
            return None
        x = self._activation(found.leaf)
        assert x is not None
        channels, shape = max(found.factor.size, found.offset.size), _shape(x.value)
        if shape[1 if len(shape) == 4 else -1] != channels:
            return None
        factor = np.broadcast_to(found.factor, (channels,))
        # An offset is a number of 1 / AFFINE_WEIGHT input steps; without factor, of output steps.
        flat = np.abs(factor) * x.scale[0] < target.scale[0] / AFFINE_FINEST
        step = np.where(flat, target.scale[0], np.abs(factor) * x.scale[0]) / AFFINE_WEIGHT
        whole = np.rint(np.broadcast_to(found.offset, (channels,)) / step)
        point = fixed_point(step / target.scale[0])
        if point is None or (np.abs(whole) + AFFINE_WEIGHT * 255 >= 2.0**31).any():
            return None
        weights = np.where(flat, 0, np.sign(factor) * AFFINE_WEIGHT).astype(np.int8)
        form = (1, channels, 1, 1) if len(shape) == 4 else (*(1,) * (len(shape) - 1), channels)
        acc = relax.op.multiply(self._wide(x, "int32"), _const(weights.reshape(form), "int32"))
        return self._requantize(acc, whole.astype(np.int64), point, form, target, clip, parts)

    def _is_activation(self, call: Any) -> bool:
        return self._activation(call) is not None

    def _wide(self, x: Quantized, dtype: str) -> Any:
        wide = self.builder_.emit(relax.op.astype(x.value, dtype))
        return self.builder_.emit(relax.op.subtract(wide, _const(x.zero_point, dtype)))

    def _requantize(
        self,
        acc: Any,
        bias: npt.NDArray[np.int64],
        point: FixedPoint,
        shape: tuple[int, ...],
        target: Quantized,
        clip: tuple[int, int],
        parts: list[Any],
    ) -> Any:
        emit = self.builder_.emit
        total = emit(relax.op.add(emit(acc), _const(bias.reshape(shape), "int32")))
        multiplier = _const(point.multiplier.reshape(shape), "int64")
        product = emit(relax.op.multiply(emit(relax.op.astype(total, "int64")), multiplier))
        shift = point.shift.reshape(shape)
        return self._finish(product, shift, target, clip, parts)

    def _finish(
        self,
        product: Any,
        shift: npt.NDArray[np.int64],
        target: Quantized,
        clip: tuple[int, int],
        parts: list[Any],
    ) -> Any:
        """Rounding shift, zero point, clip, int8."""
        emit = self.builder_.emit
        rounded = emit(relax.op.add(product, _const(np.int64(1) << (shift - 1), "int64")))
        y = emit(relax.op.right_shift(rounded, _const(shift, "int64")))
        y = emit(relax.op.add(y, _const(target.zero_point, "int64")))
        y = emit(relax.op.maximum(y, _const(clip[0], "int64")))
        y = emit(relax.op.minimum(y, _const(clip[1], "int64")))
        return emit(relax.op.astype(y, "int8"), name_hint=self._hint(*parts))

    def _add(
        self, core: Any, target: Quantized, clip: tuple[int, int], parts: list[Any]
    ) -> Any | None:
        """Sum or difference of two activations."""
        pair = self._pair(core)
        if pair is None:
            return None
        a, b, swapped = pair
        out = target.scale[0]
        point = add_point(float(a.scale[0] / out), float(b.scale[0] / out))
        if point is None:
            return None
        signs = (1, 1)
        if _op(core) == "relax.subtract":
            signs = (-1, 1) if swapped else (1, -1)
        emit = self.builder_.emit
        left = emit(relax.op.multiply(self._wide(a, "int64"), _const(signs[0] * point.a, "int64")))
        right = emit(relax.op.multiply(self._wide(b, "int64"), _const(signs[1] * point.b, "int64")))
        total = emit(relax.op.add(left, right))
        return self._finish(total, np.asarray(point.shift, np.int64), target, clip, parts)

    def _pair(self, core: Any) -> tuple[Quantized, Quantized, bool] | None:
        """Two activations of one shape, or the second [N, C, 1, 1] against [N, C, H, W].

        The last value says that they were swapped for that.
        """
        a, b = self._activation(core.args[0]), self._activation(core.args[1])
        if a is None or b is None:
            return None
        swapped = math.prod(_shape(a.value)) < math.prod(_shape(b.value))
        if swapped:
            a, b = b, a
        left, right = _shape(a.value), _shape(b.value)
        image = len(left) == 4 and right == (*left[:2], 1, 1)
        return (a, b, swapped) if left == right or image else None

    def _multiply(
        self, core: Any, target: Quantized, clip: tuple[int, int], parts: list[Any]
    ) -> Any | None:
        """Product of two activations."""
        pair = self._pair(core)
        if pair is None:
            return None
        a, b, _ = pair
        point = fixed_point(np.asarray([a.scale[0] * b.scale[0] / target.scale[0]]))
        if point is None:
            return None
        emit = self.builder_.emit
        product = emit(relax.op.multiply(self._wide(a, "int32"), self._wide(b, "int32")))
        wide = emit(relax.op.astype(product, "int64"))
        scaled = emit(relax.op.multiply(wide, _const(int(point.multiplier[0]), "int64")))
        return self._finish(scaled, np.asarray(point.shift[0]), target, clip, parts)

    def _table(self, value: Any, target: Quantized) -> Any | None:
        """Any function of one activation's values."""
        try:
            x, results = tabulate(value, self._bound, self._leaf)
            table = quantized(results, target.scale[0], target.zero_point)
        except NotPointwise:
            return None
        emit = self.builder_.emit
        index = emit(relax.op.add(emit(relax.op.astype(x, "int32")), _const(128, "int32")))
        looked_up = relax.op.take(relax.const(table, "int8"), index, axis=0, mode="clip")
        return emit(looked_up, name_hint=self._hint(value))

    def _leaf(self, call: Any) -> tuple[Any, float, int] | None:
        x = self._activation(call)
        return None if x is None else (x.value, float(x.scale[0]), x.zero_point)

    def _mean(
        self, core: Any, target: Quantized, clip: tuple[int, int], parts: list[Any]
    ) -> Any | None:
        """Global average pool: mean over both image axes."""
        x = self._activation(core.args[0])
        axes = core.attrs.axis
        if x is None or axes is None or len(_shape(x.value)) != 4 or not core.attrs.keepdims:
            return None
        if sorted(int(a) % 4 for a in axes) != [2, 3]:
            return None
        _, _, h, w = _shape(x.value)
        point = fixed_point(np.asarray([x.scale[0] / (target.scale[0] * h * w)]))
        if point is None:
            return None
        wide = self._wide(x, "int32")
        total = relax.op.sum(wide, axis=[2, 3], keepdims=True)
        zero = np.zeros(1, np.int64)
        return self._requantize(total, zero, point, (1, 1, 1, 1), target, clip, parts)

    def _average(
        self, core: Any, target: Quantized, clip: tuple[int, int], parts: list[Any]
    ) -> Any | None:
        """Average pool as a depthwise convolution with ones; exact where every window is full."""
        x, a = self._activation(core.args[0]), core.attrs
        padded = any(int(p) for p in a.padding)
        if x is None or a.ceil_mode or (padded and not a.count_include_pad):
            self.notes.refused[self._hint(*parts)] = "its windows average different pixel counts"
            return None
        channels = _shape(x.value)[1]
        kernel = tuple(int(k) for k in a.pool_size)
        point = fixed_point(np.asarray([x.scale[0] / (target.scale[0] * kernel[0] * kernel[1])]))
        if point is None:
            return None
        ones = relax.const(np.ones((channels, 1, *kernel), np.int8), "int8")
        acc = relax.op.nn.conv2d(
            self._wide(x, "int16"),
            ones,
            a.strides,
            a.padding,
            a.dilation,
            channels,
            out_dtype="int32",
        )
        zero = np.zeros(1, np.int64)
        return self._requantize(acc, zero, point, (1, 1, 1, 1), target, clip, parts)

    def _max(
        self, core: Any, target: Quantized, clip: tuple[int, int], parts: list[Any]
    ) -> Any | None:
        """Max pool keeps the scale; a change of scale becomes a rescale behind it."""
        x, a = self._activation(core.args[0]), core.attrs
        if x is None or core.attrs.ceil_mode:
            return None
        pooled = relax.op.nn.max_pool2d(x.value, a.pool_size, a.strides, a.padding, a.dilation)
        same = self.builder_.emit(pooled, name_hint=self._hint(*parts))
        return self._same_or_rescaled(
            Quantized(same, x.scale, x.zero_point, 0), target, clip, parts
        )

    def _moved(
        self, core: Any, target: Quantized, clip: tuple[int, int], parts: list[Any]
    ) -> Any | None:
        """Reshape and transpose move int8 values just as well."""
        x = self._activation(core.args[0])
        if x is None:
            return None
        if _op(core) == "relax.reshape":
            moved = relax.op.reshape(x.value, _shape(core))
        else:
            moved = relax.op.permute_dims(x.value, core.attrs.axes)
        same = self.builder_.emit(moved, name_hint=self._hint(*parts))
        return self._same_or_rescaled(
            Quantized(same, x.scale, x.zero_point, 0), target, clip, parts
        )

    def _rescale(
        self, core: Any, target: Quantized, clip: tuple[int, int], parts: list[Any]
    ) -> Any | None:
        """quantize(clip(dequantize(x))): nothing, a clip, or a change of scale."""
        x = self._activation(core)
        return None if x is None else self._same_or_rescaled(x, target, clip, parts)

    def _same_or_rescaled(
        self, x: Quantized, target: Quantized, clip: tuple[int, int], parts: list[Any]
    ) -> Any:
        emit = self.builder_.emit
        if np.float32(x.scale[0]) == np.float32(target.scale[0]) and (
            x.zero_point == target.zero_point
        ):
            if clip == INT8:
                return x.value
            y = emit(relax.op.maximum(x.value, _const(clip[0], "int8")))
            hint = self._hint(*parts)
            return emit(relax.op.minimum(y, _const(clip[1], "int8")), name_hint=hint)
        point = fixed_point(x.scale / target.scale[0])
        if point is None:
            return None
        rank = len(_shape(x.value))
        wide = self._wide(x, "int32")
        zero = np.zeros(1, np.int64)
        return self._requantize(wide, zero, point, (1,) * rank, target, clip, parts)
