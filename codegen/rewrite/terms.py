# SPDX-License-Identifier: Apache-2.0
"""Read the dataflow of a float QDQ module as terms, with the facts that rules ask for."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
from tvm import relax
from tvm.ir import Call, GenericConst
from tvm.relax.analysis import free_vars

from codegen.frontend.expressions import array, op_name
from codegen.frontend.onnx_import import node_indices
from codegen.rewrite import constants as con
from codegen.rewrite import moves as mv
from codegen.rewrite.calls import READERS, batch_norm
from codegen.rewrite.steps import Argument, Model, Step, text
from codegen.rewrite.windows import WIDEST, plan

USES = {"conv": 0, "matmul": -1, "left": 0}
"""Where weights are read -> the axis of their output channels."""


class Reader:
    """Walks a dataflow block in order."""

    def __init__(self, function: Any, widest: int = WIDEST) -> None:
        self.model = Model(function)
        self._constant: set[Any] = set()
        self._interned: dict[Any, int] = {}
        self._widest = widest
        self.reduced: dict[tuple[int, ...], None] = {}

    def read(self) -> Model:
        """The whole function."""
        for parameter in self.model.function.params:
            self.leaf(parameter)
        for block in self.model.function.body.blocks:
            for binding in block.bindings:
                self.model.bound[binding.var] = binding.value
                self._binding(binding.var, binding.value)
        self._name_helpers()
        result = self.model.function.body.body
        self.model.roots = [
            self.model.step_of[v] for v in free_vars(result) if v in self.model.step_of
        ]
        for a, b in combinations(list(self.reduced), 2):
            if not set(a) & set(b):
                both = ",".join(map(str, sorted((*a, *b))))
                self.reduced[tuple(sorted((*a, *b)))] = None
                for first, second in ((a, b), (b, a)):
                    names = (",".join(map(str, axes)) for axes in (first, second))
                    self.fact("merged", *names, both)
        closed = mv.closure(self.model.moves)
        self.model.moves = list(closed)
        self.model.facts += mv.facts(closed, list(self.reduced))
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

    def leaf(self, variable: Any, call: Any = None) -> None:
        """A value that rules do not look into."""
        index = self.step(variable, "", (), call)
        if call is not None:
            read = (self.model.step_of[v] for v in free_vars(call) if v in self.model.step_of)
            self.model.reads[index] = tuple(dict.fromkeys(read))

    def step(self, variable: Any, operator: str, arguments: tuple[Argument, ...], call: Any) -> int:
        """A value as a term; returns its number."""
        index = len(self.model.steps)
        narrow = isinstance(variable.ty, relax.TensorType) and str(variable.ty.dtype.dtype) in (
            "int8",
            "uint8",
        )
        step = Step(str(variable.name), operator, arguments, narrow, call)
        self.model.steps.append(step)
        self.model.step_of[variable] = index
        return index

    def is_constant(self, expr: Any) -> bool:
        """Whether it is known when compiling."""
        return isinstance(expr, GenericConst) or expr in self._constant

    def operand(self, expr: Any, rank: int = 0, use: str = "") -> Argument:
        """What a term reads: a value, or a constant that meets one of `rank` dimensions."""
        if self.is_constant(expr):
            return ("K", self.handle(expr, rank, use))
        return ("V", self.model.step_of[expr])

    def handle(self, expr: Any, rank: int, use: str) -> int:
        """Number of a constant; equal small ones have one."""
        call = self.bound(expr)
        key: Any = (expr, rank, use)
        if isinstance(call, GenericConst) and array(call).size == 1:
            key = (str(call.ty.dtype.dtype), array(call).shape, array(call).tobytes(), use)
        if key not in self._interned:
            self._interned[key] = len(self.model.constants)
            self.add(con.read(expr, rank, self.bound, weights=use in USES), use)
        return self._interned[key]

    def add(self, constant: con.Constant, use: str) -> int:
        """A constant, with what rules need to know of it; returns its number."""
        index = len(self.model.constants)
        self.model.constants.append(constant)
        real, weight, name = constant.real, constant.weight, ("C", index)
        if constant.computed:
            self.fact("computed", name)
        if weight is not None and use in USES and con.fits_axis(weight, USES[use]):
            self.fact("weight", name)
            if (weight.values != -128).all():
                self.fact("flippable", name)
        if use in USES:
            return index
        if real.size == 1:
            self.fact("scalar", name)
            if np.isfinite(real).all():
                value = float(real.reshape(-1)[0])
                self.model.facts.append(f"(set (number {text(name)}) {text(value)})")
        for axis, fact in ((1, "channel"), (real.ndim - 1, "last")):
            if real.ndim > 1 and real.size == real.shape[axis]:
                self.fact(fact, name)
        if np.isfinite(real).all() and (real != 0).all():
            self.fact("positive" if (real > 0).all() else "nonzero", name)
        return index

    def cut(self, index: int, call: Any) -> None:
        """Plan parts for a convolution with a kernel that is too wide."""
        found = plan(call, self._widest)
        if found is not None:
            self.model.cuts[index] = found
            self.fact("wide-kernel", index)

    def fact(self, relation: str, *arguments: Argument) -> None:
        """State a fact."""
        self.model.facts.append(f"({relation} {' '.join(map(text, arguments))})")

    def moved(self, *found: mv.Move) -> list[str]:
        """Names of moves that a rule may introduce."""
        self.model.moves += found
        return [move.name for move in found]

    # Calls.

    def _binding(self, variable: Any, value: Any) -> None:
        if isinstance(value, relax.Var) and value in self.model.step_of:
            self.model.step_of[variable] = self.model.step_of[value]
            return
        if isinstance(value, GenericConst) or self.folds(value):
            self._constant.add(variable)
            return
        if isinstance(value, relax.TupleGetItem) and batch_norm(self, variable, value):
            return
        name = op_name(value)
        reader = READERS.get(name)
        known = isinstance(value, Call) and isinstance(value.ty, relax.TensorType)
        if known and reader is not None and reader(self, variable, value):
            return
        self.leaf(variable, value)

    def folds(self, value: Any) -> bool:
        """Whether it is computed from constants, by calls that are known."""
        if not isinstance(value, Call) or not value.args:
            return False
        operands = [a for a in value.args if not isinstance(a, relax.ShapeExpr)]
        return con.is_known(value) and all(self.is_constant(a) for a in operands)
