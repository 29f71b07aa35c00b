# SPDX-License-Identifier: Apache-2.0
"""Write the chosen terms as a Relax function; every value keeps the names of its ONNX nodes."""

from __future__ import annotations

from typing import Any

from tvm import relax
from tvm.ir import Call

from codegen.frontend.expressions import op_name
from codegen.frontend.onnx_import import merge_hints, node_indices
from codegen.rewrite import constants as con
from codegen.rewrite import make
from codegen.rewrite.folding import Folder
from codegen.rewrite.saturate import Classes, Node
from codegen.rewrite.steps import Model
from codegen.rewrite.windows import windows

MADE = "moved"
"""Name of values that no ONNX node stands for."""
CARRIERS = ("Move", "Q", "Dq", "Windows", "Concat", "")
"""They hand a value on: what else stands for the same value is not their doing."""


class Rebuilder:
    """Emits what the function's result needs, operands first."""

    def __init__(self, model: Model, classes: Classes, chosen: dict[str, Node]) -> None:
        self._model = model
        self._classes = classes
        self._chosen = chosen
        self._moves = {move.name: move for move in model.moves}
        self._folder = Folder(model, chosen, self._moves)
        self._made: dict[str, Any] = {}
        self._constants: dict[Any, Any] = {}
        self._builder = relax.BlockBuilder()
        self._quantized_by = {
            node.arguments[at]: node.arguments[at + 1 : at + 3]
            for operator, at in (("Keep", 2), ("Dq", 1))
            for node in chosen.values()
            if node.operator == operator
        }
        """Class of a quantized value -> classes of its scale and zero point."""
        self._steps: dict[str, list[int]] = {}
        for step, name in classes.of_step.items():
            self._steps.setdefault(name, []).append(step)

    def function(self) -> Any:
        """The whole function."""
        old = self._model.function
        with self._builder.function("main", list(old.params), dict(old.attrs or {})):
            with self._builder.dataflow():
                result = self._builder.emit_output(self._translated(old.body.body))
            self._builder.emit_func_output(result)
        return self._builder.get()["main"]

    def _translated(self, expr: Any) -> Any:
        """An expression of the old function with new operands."""
        if isinstance(expr, relax.Var):
            if expr in self._model.step_of:
                return self._value(self._classes.of_step[self._model.step_of[expr]])
            return self._constant(expr)
        if isinstance(expr, relax.Tuple):
            return relax.Tuple([self._translated(field) for field in expr.fields])
        if isinstance(expr, relax.TupleGetItem):
            return relax.TupleGetItem(self._translated(expr.tuple_value), expr.index)
        if isinstance(expr, Call):
            arguments = [self._translated(a) for a in expr.args]
            return Call(expr.op, arguments, expr.attrs, expr.ty_args)
        return expr

    def _constant(self, variable: Any) -> Any:
        """A constant expression of the model, as it has it."""
        if variable not in self._constants:
            bound = self._model.bound[variable]
            expr = self._translated(bound)
            if isinstance(expr, Call):
                expr = self._builder.emit(expr, name_hint=str(variable.name))
            self._constants[variable] = expr
        return self._constants[variable]

    def _value(self, root: str) -> Any:
        """The value of a class; iterative, since networks are deep."""
        stack = [root]
        while stack:
            name = stack[-1]
            missing = [c for c in self._reads(self._chosen[name]) if c not in self._made]
            if name in self._made or not missing:
                stack.pop()
                if name not in self._made:
                    self._made[name] = self._emit(name, self._chosen[name])
            else:
                stack += reversed(missing)
        return self._made[root]

    def _reads(self, node: Node) -> list[str]:
        """Classes of the values that an e-node needs."""
        if node.operator == "V":
            return [
                self._classes.of_step[s] for s in self._model.reads.get(int(node.arguments[0]), ())
            ]
        found: list[str] = []
        for argument in node.arguments:
            if argument.startswith("T-"):
                found.append(argument)
            elif argument.startswith("L-"):
                found += self._items(argument)
        return found

    def _items(self, name: str) -> list[str]:
        """Classes of the values of a list."""
        found = []
        while (node := self._chosen[name]).operator == "Cons":
            found.append(node.arguments[0])
            name = node.arguments[1]
        return found

    def _emit(self, name: str, node: Node) -> Any:
        if node.operator == "V":
            step = self._model.steps[int(node.arguments[0])]
            if step.call is None:
                variables = self._model.step_of.items()
                return next(v for v, s in variables if s == int(node.arguments[0]))
            return self._builder.emit(self._translated(step.call), name_hint=step.name)
        if node.operator == "K":
            return self._emit_constant(node.arguments[0])
        expr = self._call(name, node)
        if expr is None or isinstance(expr, relax.Var):
            return expr
        return self._builder.emit(expr, name_hint=self._hint(name, node))

    def _hint(self, name: str, node: Node) -> str:
        """Nodes that a value comes from: the call's own, and those it has absorbed."""
        steps = set() if node.operator == "Move" else {int(self._number(node))}
        own = self._steps.get(name, [])
        steps |= {s for s in own if self._model.steps[s].operator not in CARRIERS}
        steps = steps or set(own)
        names = [self._model.steps[s].name for s in sorted(steps)]
        hint = merge_hints(*names)
        return hint if node_indices(hint) else (*names, MADE)[0]

    @staticmethod
    def _number(node: Node) -> str:
        return node.arguments[1 if node.operator == "Bin" else 0]

    def _emit_constant(self, name: str) -> Any:
        node = self._chosen[name]
        if node.operator == "Id":
            expr = self._model.constants[int(node.arguments[0])].expr
            if isinstance(expr, relax.Var):
                return self._constant(expr)
            return self._builder.emit(expr) if isinstance(expr, Call) else expr
        weight = self._folder.weight(name)
        if weight is not None:
            return self._builder.emit(con.weight_call(weight))
        return con.float_constant(self._folder.real(name))

    def _parameter(self, name: str) -> Any:
        """A scale or zero point."""
        node = self._chosen[name]
        if node.operator == "Id":
            return self._translated(self._model.constants[int(node.arguments[0])].expr)
        return con.float_constant(self._folder.real(name).reshape(()))

    def _call(self, name: str, node: Node) -> Any:  # noqa: PLR0912 (one case per constructor)
        """The Relax call of an e-node."""
        if node.operator == "Move":
            return self._moved(name, node)
        call = self._model.steps[int(self._number(node))].call
        values = [self._made[name] for name in self._reads(node)]
        a = call.attrs
        match node.operator:
            case "Un":
                return Call(call.op, [values[0], *call.args[1:]], a, call.ty_args)
            case "Keep":
                return self._kept(call, node, values[0])
            case "Bin":
                return getattr(relax.op, node.arguments[0])(*values)
            case "Clip":
                low, high = (float(v) for v in node.arguments[2:])
                return relax.op.clip(values[0], low, high)
            case "Q":
                scale, zero = (self._parameter(c) for c in node.arguments[2:])
                dtype = str(zero.ty.dtype.dtype)
                return relax.op.quantize(
                    values[0], scale, zero, make.scale_axis(values[0], call), dtype
                )
            case "Dq":
                scale, zero = (self._parameter(c) for c in node.arguments[2:])
                return relax.op.dequantize(
                    values[0], scale, zero, make.scale_axis(values[0], call), a.out_dtype
                )
            case "Conv2d":
                return make.conv2d(call, *values)
            case "Parts":
                return make.parts(call, *values)
            case "Windows":
                cut = self._model.cuts[int(node.arguments[0])]
                return windows(values[0], int(self._folder.real(node.arguments[2])), cut)
            case "Conv1d":
                return Call(call.op, values, a, call.ty_args)
            case "Matmul":
                return relax.op.matmul(*values)
            case "Mean" | "Sum":
                axes = [int(axis) for axis in node.arguments[2].split(",")]
                reduce = relax.op.mean if node.operator == "Mean" else relax.op.sum
                return reduce(values[0], axes, keepdims=True)
            case "Pool":
                return make.pool(call, values[0], node.arguments[1])
            case "Norm":
                return self._norm(call, values[0])
            case "Concat":
                return relax.op.concat(values, axis=int(node.arguments[2]))
        raise NotImplementedError(node.operator)

    def _kept(self, call: Any, node: Node, value: Any) -> Any:
        """An op that chooses among quantized values, as an island of its own."""
        scale, zero = (self._parameter(c) for c in node.arguments[3:])
        real = self._builder.emit(relax.op.dequantize(value, scale, zero, axis=0))
        if "pool" in op_name(call):
            kept = make.pool(call, real, node.arguments[1])
        else:
            kept = Call(call.op, [real], call.attrs, call.ty_args)
        dtype = str(zero.ty.dtype.dtype)
        return relax.op.quantize(self._builder.emit(kept), scale, zero, 0, dtype)

    def _moved(self, name: str, node: Node) -> Any:
        """A move; of uint8 values as an island, so that the integer form sees int8 through it."""
        move, value = self._moves[node.arguments[0]], self._made[node.arguments[1]]
        if str(value.ty.dtype.dtype) != "uint8" or name not in self._quantized_by:
            return make.moved(value, move)
        scale, zero = (self._parameter(c) for c in self._quantized_by[name])
        real = self._builder.emit(relax.op.dequantize(value, scale, zero, axis=0))
        return relax.op.quantize(
            self._builder.emit(make.moved(real, move)), scale, zero, 0, "uint8"
        )

    def _norm(self, call: Any, x: Any) -> Any:
        """Batch norm as the model has it: `call` takes its value out of a tuple."""
        norm = self._model.bound[call.tuple_value]
        arguments = [x, *(self._translated(p) for p in norm.args[1:])]
        whole = self._builder.emit(Call(norm.op, arguments, norm.attrs, norm.ty_args))
        return relax.TupleGetItem(whole, 0)
