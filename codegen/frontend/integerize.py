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

`m` and `>> s` are one rounding, half up. With `Rounding.DOUBLE` they are TFLite-Micro's two, and an
addition rescales its operands before it rescales their sum (scope.shifted_twice, elements.add).

Islands of other ops stay float and run on the host. Before: float QDQ. After: the same dataflow,
with integer islands; unused dequantize calls are gone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from tvm import relax
from tvm.ir import GenericConst
from tvm.relax.expr_functor import mutator

from accel.isa import Rounding
from codegen.frontend.expressions import array, dtype_of, op_name
from codegen.frontend.islands.elements import add, factors, multiply, rescale, table
from codegen.frontend.islands.moves import concat, pad, resize, split, strided_slice, take
from codegen.frontend.islands.pools import average, maximum, mean
from codegen.frontend.islands.products import product
from codegen.frontend.islands.scope import INT8, Island, Notes, Quantized, Scope, constant_of
from codegen.frontend.islands.shapes import SHAPE_OPS, applied
from codegen.frontend.output_names import name_outputs, output_names

__all__ = ["Notes", "array", "integerize"]

CLIPS = ("relax.nn.relu", "relax.clip")
CONVOLUTIONS = ("relax.nn.conv1d", "relax.nn.conv2d", "relax.nn.conv2d_transpose")
PRODUCTS = (*CONVOLUTIONS, "relax.matmul")
FORMS: dict[str, Callable[[Scope, Island], Any | None]] = {
    **dict.fromkeys(PRODUCTS, product),
    "relax.multiply": multiply,
    "relax.mean": mean,
    "relax.nn.avg_pool1d": average,
    "relax.nn.avg_pool2d": average,
    "relax.nn.max_pool1d": maximum,
    "relax.nn.max_pool2d": maximum,
    "relax.image.resize2d": resize,
    "relax.nn.pad": pad,
    "relax.concat": concat,
    "relax.take": take,
    "relax.strided_slice": strided_slice,
    "relax.split": split,
    "relax.dequantize": rescale,
}
"""Integer forms by the island's core."""


def integerize(module: Any, rounding: Rounding = Rounding.SINGLE) -> tuple[Any, Notes]:
    """Rewrite `main` of a float QDQ module.

    Args:
        module: tvm.IRModule as `onnx_import.import_onnx` gives it.
        rounding: the rule of all requantizations; DOUBLE computes what TFLite-Micro computes.

    Returns:
        The integer module, and notes.
    """
    notes = Notes()
    rewriter = _Integerize(module, notes, rounding)
    main = module.get_global_var("main")
    rewriter.builder_.update_func(main, rewriter.visit_expr(module["main"]))
    result = rewriter.builder_.get()
    names = output_names(result)
    result = relax.transform.RemoveUnusedOutputs()(result)
    return name_outputs(relax.transform.DeadCodeElimination()(result), names), notes


@mutator
class _Integerize(Scope):
    """Walks `main`; an island is rewritten where its quantize is met."""

    def __init__(self, module: Any, notes: Notes, rounding: Rounding) -> None:
        super().__init__(module, notes, rounding)
        self._name = ""

    def visit_var_binding_(self, binding: Any) -> None:
        self._name = str(binding.var.name)
        super().visit_var_binding_(binding)

    def visit_call_(self, call: Any) -> Any:
        call = super().visit_call_(call)
        name = op_name(call)
        if name == "relax.quantize":
            return self._quantize(call)
        return self._dequantize(call) if name == "relax.dequantize" else call

    def _dequantize(self, call: Any) -> Any:
        """Where the value is int8 inside, the zero point is too."""
        value, scale, zero = call.args
        inside = self.inside(value) if dtype_of(value) == "uint8" else None
        if inside is None or not isinstance(zero, GenericConst):
            return call
        shifted = constant_of(array(zero).astype(np.int16) - 128, "int8")
        return relax.op.dequantize(inside, scale, shifted, call.attrs.axis, call.attrs.out_dtype)

    def _quantize(self, call: Any) -> Any:
        value, scale, zero = call.args
        unsigned = dtype_of(call) == "uint8"
        if not isinstance(scale, GenericConst) or not isinstance(zero, GenericConst):
            return call
        if not unsigned and dtype_of(call) != "int8":
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
            zero = constant_of(zeros[0], "int8")
            result = relax.op.quantize(value, scale, zero, call.attrs.axis, "int8")
        if not unsigned:
            return result
        return self.unsigned(self.builder_.emit(result, name_hint=self._name))

    def _island(self, value: Any, target: Quantized) -> Any | None:
        """Integer form of quantize(value), or None; clips and shape ops commute with rounding."""
        parts, bounds = [value], [-math.inf, math.inf]
        shapes: list[Any] = []
        core = self.bound(value)
        while op_name(core) in CLIPS or op_name(core) in SHAPE_OPS:
            if op_name(core) in SHAPE_OPS:
                shapes.append(core)
            else:
                low, high = 0.0, math.inf
                if op_name(core) == "relax.clip":
                    low, high = float(core.args[1].value), float(core.args[2].value)
                bounds = [max(bounds[0], low), min(bounds[1], high)]
            parts.append(core.args[0])
            core = self.bound(core.args[0])
        clip = _clip(bounds, target, self.rounding)
        result = self._form(Island(core, target, clip, tuple(parts)))
        if result is None:
            return None
        for call in reversed(shapes):
            result = applied(self, result, call, self.hint(*parts))
        return result

    def _form(self, island: Island) -> Any | None:
        """Integer form of an island."""
        core = island.core
        if op_name(core) in ("relax.add", "relax.subtract"):
            added = add(self, island)
            if added is not None:
                return added
            for summand, bias in (core.args, reversed(core.args)):
                inner = self.bound(summand)
                if op_name(core) == "relax.add" and op_name(inner) in PRODUCTS:
                    if self.constant(bias) is None:
                        return None
                    before = replace(island, core=inner, parts=(*island.parts, summand))
                    return product(self, before, bias)
        form = FORMS.get(_kind(core, self.bound))
        found = None if form is None else form(self, island)
        if found is None:
            found = factors(self, island)
        return table(self, island) if found is None else found


def _kind(core: Any, bound: Callable[[Any], Any]) -> str:
    """Name of the core's op; of the op that gives several results, for one of them."""
    return op_name(bound(core.tuple_value) if isinstance(core, relax.TupleGetItem) else core)


def _clip(bounds: list[float], target: Quantized, rounding: Rounding) -> tuple[int, int]:
    """Float bounds as int8 values; exact, since quantizing is monotone. TFLite rounds half away."""
    scale = np.float32(target.scale[0])

    def quantize(bound: float, otherwise: int) -> int:
        if not math.isfinite(bound):
            return otherwise
        with np.errstate(over="ignore"):  # far beyond int8 is far enough
            steps = np.float32(bound) / scale
            if rounding == Rounding.DOUBLE:
                steps = np.copysign(np.floor(np.abs(steps) + np.float32(0.5)), steps)
        return int(np.clip(np.rint(steps) + target.zero_point, *INT8))

    return quantize(bounds[0], INT8[0]), quantize(bounds[1], INT8[1])
