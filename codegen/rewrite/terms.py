# SPDX-License-Identifier: Apache-2.0
"""Read the dataflow of a float QDQ module as terms, with the facts that rules ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
from tvm import relax
from tvm.ir import Call, GenericConst
from tvm.relax.analysis import free_vars

from codegen.frontend.onnx_import import node_indices
from codegen.rewrite import constants as con
from codegen.rewrite import moves as mv
from codegen.rewrite.constants import array, axes_of, op_name, shape_of
from codegen.rewrite.steps import Argument, Model, Step, text

UNARY = frozenset(
    f"relax.{name}"
    for name in [
        "abs",
        "astype",
        "erf",
        "exp",
        "log",
        "negative",
        "nn.gelu",
        "nn.gelu_tanh",
        "nn.leakyrelu",
        "nn.relu",
        "nn.silu",
        "sigmoid",
        "sqrt",
        "tanh",
    ]
)
HOMOGENEOUS = frozenset({"relax.nn.relu", "relax.nn.leakyrelu"})
"""f(c * x) = c * f(x) for positive c."""
BINARY = frozenset(
    f"relax.{name}"
    for name in ["add", "divide", "maximum", "minimum", "multiply", "power", "subtract"]
)
RESHAPES = frozenset({"relax.reshape", "relax.expand_dims", "relax.squeeze", "relax.flatten"})
POOLS = frozenset(f"relax.nn.{kind}_pool{d}d" for kind in ("avg", "max") for d in (1, 2))


class Reader:
    """Walks a dataflow block in order."""

    def __init__(self, function: Any) -> None:
        self.model = Model(function)
        self._constant: set[Any] = set()
        self._interned: dict[Any, int] = {}
        self._reduced: dict[tuple[int, ...], None] = {}

    def read(self) -> Model:
        """The whole function."""
        for parameter in self.model.function.params:
            self._leaf(parameter)
        for block in self.model.function.body.blocks:
            for binding in block.bindings:
                self.model.bound[binding.var] = binding.value
                self._binding(binding.var, binding.value)
        self._name_helpers()
        result = self.model.function.body.body
        self.model.roots = [
            self.model.step_of[v] for v in free_vars(result) if v in self.model.step_of
        ]
        for a, b in combinations(list(self._reduced), 2):
            if not set(a) & set(b):
                both = ",".join(map(str, sorted((*a, *b))))
                self._reduced[tuple(sorted((*a, *b)))] = None
                for first, second in ((a, b), (b, a)):
                    names = (",".join(map(str, axes)) for axes in (first, second))
                    self._fact("merged", *names, both)
        closed = mv.closure(self.model.moves)
        self.model.moves = list(closed)
        self.model.facts += mv.facts(closed, list(self._reduced))
        return self.model

    def _name_helpers(self) -> None:
        """The importer names what a node gives; what it needs for that comes before, unnamed."""
        name = ""
        for index in reversed(range(len(self.model.steps))):
            step = self.model.steps[index]
            if node_indices(step.name):
                name = step.name
            elif name and step.call is not None:
                self.model.steps[index] = replace(step, name=name)

    # Values.

    def bound(self, expr: Any) -> Any:
        """What a variable is bound to."""
        while isinstance(expr, relax.Var) and expr in self.model.bound:
            expr = self.model.bound[expr]
        return expr

    def _leaf(self, variable: Any, call: Any = None) -> None:
        index = self._step(variable, "", (), call)
        if call is not None:
            read = (self.model.step_of[v] for v in free_vars(call) if v in self.model.step_of)
            self.model.reads[index] = tuple(dict.fromkeys(read))

    def _step(
        self, variable: Any, operator: str, arguments: tuple[Argument, ...], call: Any
    ) -> int:
        shape = shape_of(variable) if isinstance(variable.ty, relax.TensorType) else ()
        index = len(self.model.steps)
        narrow = bool(shape) and str(variable.ty.dtype.dtype) in ("int8", "uint8")
        step = Step(str(variable.name), shape, operator, arguments, narrow, call)
        self.model.steps.append(step)
        self.model.step_of[variable] = index
        return index

    def _is_constant(self, expr: Any) -> bool:
        return isinstance(expr, GenericConst) or expr in self._constant

    def _operand(self, expr: Any, rank: int = 0, use: str = "") -> Argument:
        if self._is_constant(expr):
            return ("K", self._handle(expr, rank, use))
        return ("V", self.model.step_of[expr])

    def _handle(self, expr: Any, rank: int, use: str) -> int:
        """Number of a constant; equal small ones have one."""
        call = self.bound(expr)
        key: Any = (expr, rank, use)
        if isinstance(call, GenericConst) and array(call).size == 1:
            key = (str(call.ty.dtype.dtype), array(call).tobytes(), use)
        if key not in self._interned:
            self._interned[key] = len(self.model.constants)
            self._add(con.read(expr, rank, self.bound), use)
        return self._interned[key]

    def _add(self, constant: con.Constant, use: str) -> int:
        index = len(self.model.constants)
        self.model.constants.append(constant)
        real, weight, name = constant.real, constant.weight, ("C", index)
        if constant.computed:
            self._fact("computed", name)
        if weight is not None and use in USES and con.fits_axis(weight, USES[use]):
            self._fact("weight", name)
            if (weight.values != -128).all():
                self._fact("flippable", name)
        if use in USES:
            return index
        if real.size == 1:
            self._fact("scalar", name)
            if np.isfinite(real).all():
                value = float(real.reshape(-1)[0])
                self.model.facts.append(f"(set (number {text(name)}) {text(value)})")
        for axis, fact in ((1, "channel"), (real.ndim - 1, "last")):
            if real.ndim > 1 and real.size == real.shape[axis]:
                self._fact(fact, name)
        if np.isfinite(real).all() and (real != 0).all():
            self._fact("positive" if (real > 0).all() else "nonzero", name)
        return index

    def _fact(self, relation: str, *arguments: Argument) -> None:
        self.model.facts.append(f"({relation} {' '.join(map(text, arguments))})")

    def _moved(self, *found: mv.Move) -> list[str]:
        """Names of moves that a rule may introduce."""
        self.model.moves += found
        return [move.name for move in found]

    # Calls.

    def _binding(self, variable: Any, value: Any) -> None:
        if isinstance(value, relax.Var) and value in self.model.step_of:
            self.model.step_of[variable] = self.model.step_of[value]
            return
        if isinstance(value, GenericConst) or self._folds(value):
            self._constant.add(variable)
            return
        if isinstance(value, relax.TupleGetItem) and self._norm(variable, value):
            return
        name = op_name(value)
        reader = _READERS.get(name)
        known = isinstance(value, Call) and isinstance(value.ty, relax.TensorType)
        if known and reader is not None and reader(self, variable, value):
            return
        self._leaf(variable, value)

    def _folds(self, value: Any) -> bool:
        """Whether it is computed from constants, by calls that are known."""
        if not isinstance(value, Call) or not value.args:
            return False
        operands = [a for a in value.args if not isinstance(a, relax.ShapeExpr)]
        if not all(self._is_constant(a) for a in operands):
            return False
        try:
            con.real_values(value, self.bound)
        except con.NotConstant:
            return False
        return True

    def _tensors(self, *exprs: Any) -> bool:
        return all(self._is_constant(e) or e in self.model.step_of for e in exprs)

    def unary(self, variable: Any, call: Any) -> bool:
        """Element by element."""
        if not self._tensors(call.args[0]):
            return False
        index = self._step(variable, "Un", (self._operand(call.args[0]),), call)
        if op_name(call) in HOMOGENEOUS:
            self._fact("homogeneous", index)
        return True

    def clip(self, variable: Any, call: Any) -> bool:
        """Bounds."""
        bounds = [float(bound.value) for bound in call.args[1:]]
        bounds = [float(np.clip(b, *FLOAT32)) for b in bounds]
        self._step(variable, "Clip", (self._operand(call.args[0]), *bounds), call)
        return True

    def binary(self, variable: Any, call: Any) -> bool:
        """Two operands."""
        shape = shape_of(variable)
        values = [a for a in call.args if not self._is_constant(a)]
        even = all(shape_of(a) == shape for a in values)
        if len(values) == 1 and not even:
            return False  # the constant broadcasts the value
        operands = [self._operand(a, len(shape)) for a in call.args]
        name = op_name(call).removeprefix("relax.")
        index = self._step(variable, "Bin", (name, *operands), call)
        if len(values) == 2 and even:
            self._fact("even", index)
        return True

    def quantized(self, variable: Any, call: Any) -> bool:
        """Quantize and dequantize of an activation."""
        value, scale, zero = call.args
        if not (self._is_constant(scale) and self._is_constant(zero)) or self._is_constant(value):
            return False
        operator = "Q" if op_name(call) == "relax.quantize" else "Dq"
        parameters = [("C", self._handle(c, 0, "")) for c in (scale, zero)]
        self._step(variable, operator, (self._operand(value), *parameters), call)
        return True

    def move(self, variable: Any, call: Any) -> bool:
        """Reshape and transpose."""
        source, target = shape_of(call.args[0]), shape_of(variable)
        if 0 in source:
            return False
        if op_name(call) == "relax.permute_dims":
            found = mv.permute(source, axes_of(call))
        else:
            found = mv.reshape(source, target)
        (name,) = self._moved(found)
        self._step(variable, "Move", (name, self._operand(call.args[0])), call)
        return True

    def conv1d(self, variable: Any, call: Any) -> bool:
        """Convolution over a sequence."""
        x, w = call.args
        if call.attrs.data_layout != "NCW" or call.attrs.kernel_layout != "OIW":
            return False
        operands = self._operand(x), self._operand(w, 3, "conv")
        index = self._step(variable, "Conv1d", operands, call)
        before, after = shape_of(x), shape_of(variable)
        image = mv.reshape(before, _image(before)), mv.reshape(_image(after), after)
        self._fact("as-conv2d", index, *self._moved(*image))
        a = call.attrs
        plain = [int(v) for v in (*a.strides, *a.dilation, a.groups)] == [1, 1, 1]
        if plain and not any(int(p) for p in a.padding) and shape_of(w)[2] == 1:
            rows = mv.permute(before, (0, 2, 1)), mv.permute((after[0], *after[:0:-1]), (0, 2, 1))
            self._fact("as-matmul", index, *self._moved(*rows))
        return True

    def conv2d(self, variable: Any, call: Any) -> bool:
        """Convolution over an image."""
        if call.attrs.data_layout != "NCHW" or call.attrs.kernel_layout != "OIHW":
            return False
        operands = self._operand(call.args[0]), self._operand(call.args[1], 4, "conv")
        self._step(variable, "Conv2d", operands, call)
        return True

    def matmul(self, variable: Any, call: Any) -> bool:
        """Matrix product."""
        a, b = call.args
        left = self._is_constant(a)
        operands = self._operand(a, 2, "left"), self._operand(b, 2, "matmul")
        index = self._step(variable, "Matmul", operands, call)
        before, after = shape_of(b if left else a), shape_of(variable)
        if left and len(shape_of(a)) == 2 and len(before) in (2, 3):
            image = (1, *before) if len(before) == 2 else before
            out = (1, *after) if len(before) == 2 else after
            moves = mv.reshape(before, _image(image)), mv.reshape(_image(out), after)
            self._fact("left-product", index, *self._moved(*moves))
        if left or not self._is_constant(b) or len(shape_of(b)) != 2 or len(before) < 4:
            return True
        rows = int(np.prod(before[:-1]))
        flat = mv.reshape(before, (rows, before[-1])), mv.reshape((rows, after[-1]), after)
        self._fact("as-rows", index, operands[0], *self._moved(*flat))
        if len(before) == 4:
            out = after[0], after[3], *after[1:3]
            image_moves = mv.permute(before, (0, 3, 1, 2)), mv.permute(out, (0, 2, 3, 1))
            self._fact("as-image", index, *self._moved(*image_moves))
        return True

    def reduction(self, variable: Any, call: Any) -> bool:
        """Mean and sum; kept dimensions, then a reshape."""
        x, axes = call.args[0], call.attrs.axis
        before, after = shape_of(x), shape_of(variable)
        rank = len(before)
        reduced = tuple(sorted(int(a) % rank for a in (range(rank) if axes is None else axes)))
        if not reduced or self._is_constant(x):
            return False
        kept = tuple(1 if a in reduced else size for a, size in enumerate(before))
        operator = "Mean" if op_name(call) == "relax.mean" else "Sum"
        name = ",".join(map(str, reduced))
        index = self._step(variable, operator, (self._operand(x), name), call)
        self._reduced[reduced] = None
        if operator == "Sum":
            size = float(np.prod([before[a] for a in reduced]))
            self._fact("count", index, ("C", self._handle(con.float_constant(size), 0, "")))
        if rank == 3 and reduced == (2,):
            moves = mv.reshape(before, _image(before)), mv.reshape(_image(kept), kept)
            self._fact("mean-image", index, name, *self._moved(*moves), "2,3")
        if after != kept:
            (flat,) = self._moved(mv.reshape(kept, after))
            self._step(variable, "Move", (flat, ("V", index)), call)
        return True

    def pool(self, variable: Any, call: Any) -> bool:
        """Average and max pool."""
        x, a = call.args[0], call.attrs
        before, after = shape_of(x), shape_of(variable)
        if a.layout not in ("NCHW", "NCW") or self._is_constant(x):
            return False
        index = self._step(variable, "Pool", ("", self._operand(x)), call)
        average = "avg" in op_name(call)
        if average:
            self._fact("linear-pool", index)
        if len(before) == 3:
            moves = mv.reshape(before, _image(before)), mv.reshape(_image(after), after)
            self._fact("pool-image", index, *self._moved(*moves))
            return True
        kernel, stride, pads, dilation = (
            tuple(int(v) for v in vs) for vs in (a.pool_size, a.strides, a.padding, a.dilation)
        )
        padded = [before[2 + i] + pads[i] + pads[i + 2] for i in range(2)]
        over = [padded[i] - dilation[i] * (kernel[i] - 1) - 1 for i in range(2)]
        floor = [1 + over[i] // stride[i] for i in range(2)]
        if a.ceil_mode and floor == list(after[2:]):
            self._fact("pool-floors", index)
        if not average or a.ceil_mode:
            return True
        if not any(pads) and kernel == before[2:]:
            self._fact("pool-is-mean", index)
            self._reduced[2, 3] = None
        if not any(pads) or a.count_include_pad:
            ones = np.ones((before[1], 1, *kernel), np.int8)
            weight = con.Weight(ones, np.asarray([1 / (kernel[0] * kernel[1])]), 0)
            constant = con.Constant(con.weight_call(weight), 4, ones.astype(float), weight, False)
            self._fact("ones", index, ("C", self._add(constant, "conv")))
        return True

    def concat(self, variable: Any, call: Any) -> bool:
        """Values end to end."""
        parts = self.bound(call.args[0])
        if not isinstance(parts, relax.Tuple) or not self._tensors(*parts.fields):
            return False
        axis = int(call.attrs.axis) % len(shape_of(variable))
        operands = [self._operand(part, len(shape_of(part))) for part in parts.fields]
        self._step(variable, "Concat", (*operands, axis), call)
        return True

    def _norm(self, variable: Any, item: Any) -> bool:
        """The value of a batch norm with known statistics."""
        call = self.bound(item.tuple_value)
        if item.index != 0 or op_name(call) != "relax.nn.batch_norm" or call.attrs.training:
            return False
        x, *parameters = call.args
        if not all(self._is_constant(p) for p in parameters) or self._is_constant(x):
            return False
        gamma, beta, mean, variance = (con.real_values(p, self.bound) for p in parameters)
        factor = gamma / np.sqrt(variance + float(call.attrs.epsilon))
        rank, axis = len(shape_of(variable)), int(call.attrs.axis)
        shape = tuple(factor.size if a == axis else 1 for a in range(rank))
        handles = []
        for values in (factor, beta - mean * factor):
            real = values.reshape(shape)
            made = con.Constant(con.float_constant(real), rank, real, None, False)
            handles.append(("C", self._add(made, "")))
        self._step(variable, "Norm", (self._operand(x), *handles), call)
        return True


def _image(shape: tuple[int, ...]) -> tuple[int, ...]:
    """[N, C, W] as [N, C, 1, W]."""
    return (*shape[:2], 1, shape[2])


FLOAT32 = (-3.4028234663852886e38, 3.4028234663852886e38)
USES = {"conv": 0, "matmul": -1, "left": 0}
"""Where weights are read -> the axis of their output channels."""

_READERS: dict[str, Callable[[Reader, Any, Any], bool]] = {
    **dict.fromkeys(UNARY, Reader.unary),
    **dict.fromkeys(BINARY, Reader.binary),
    **dict.fromkeys(RESHAPES, Reader.move),
    **dict.fromkeys(POOLS, Reader.pool),
    "relax.clip": Reader.clip,
    "relax.quantize": Reader.quantized,
    "relax.dequantize": Reader.quantized,
    "relax.permute_dims": Reader.move,
    "relax.nn.conv1d": Reader.conv1d,
    "relax.nn.conv2d": Reader.conv2d,
    "relax.matmul": Reader.matmul,
    "relax.mean": Reader.reduction,
    "relax.sum": Reader.reduction,
    "relax.concat": Reader.concat,
}
