# SPDX-License-Identifier: Apache-2.0
"""Translate an offloaded Relax function into a neutral graph. Below this, no TVM."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tvm import relax
from tvm.ir import Call

from codegen import ir
from codegen.frontend.onnx_import import node_names
from codegen.mosaics import copy_of
from codegen.moves import Move
from codegen.partition.build import build, input_zero_points
from codegen.partition.heads import ELEMENTWISE
from codegen.partition.legality import RENAMES
from codegen.partition.moves import MOVES, build_move
from codegen.partition.partition import MADE_BY, Partitioned, matched_parts
from codegen.partition.patterns import PREFIX, Pattern
from codegen.partition.values import shape_of
from codegen.partition.views import (
    HEADS,
    NCHW_TO_NHWC,
    TRANSPOSED_HEADS,
    Axes,
    View,
    default_axes,
    head_axes,
    shape_under,
)

OPERANDS = ("x", "a", "b")
"""Parts of a pattern that are activations."""
SEEN_AS: dict[Axes, str] = {
    NCHW_TO_NHWC: "an image",
    HEADS: "heads",
    TRANSPOSED_HEADS: "transposed heads",
}


class ViewError(Exception):
    """An op sees a value as another kind of tensor than the rest of its region does."""

    def __init__(self, variable: str, message: str) -> None:
        super().__init__(message)
        self.variable = variable
        """What the op computes; nothing else is wrong with its region."""


def values_are_seen_one_way(error: ViewError) -> str:
    """All ops of a region see a value as the same kind of tensor: image, rows or attention heads.

    Remedy: where the op's neighbours stay on the host, admit them first; their entries say how.
    """
    return str(error)


def regions(partitioned: Partitioned) -> dict[str, Any]:
    """Offloaded functions by symbol."""
    return {
        str(function.attrs["global_symbol"]): function
        for _, function in partitioned.module.functions.items()
        if isinstance(function, relax.Function)
        and function.attrs is not None
        and function.attrs.get("Codegen", None) == PREFIX
    }


def to_ir(name: str, function: Any, partitioned: Partitioned, nodes: tuple[str, ...]) -> ir.Graph:
    """Translate one region.

    Args:
        name: name of the graph.
        function: a function with attribute Codegen = "tessera".
        partitioned: what it is part of.
        nodes: readable ONNX node names by index.

    Raises:
        ViewError: an op does not go with the rest of the region.
    """
    return _Translator({p.name: p for p in partitioned.table}, nodes).graph(name, function)


class _Translator:
    """Walks one region in execution order."""

    def __init__(self, table: dict[str, Pattern], nodes: tuple[str, ...]) -> None:
        self._table = table
        self._nodes = nodes
        self._tensors: dict[str, ir.Tensor] = {}
        self._ops: list[ir.Op] = []
        self._moves: list[Move] = []
        self._views: dict[Any, View] = {}

    def graph(self, name: str, function: Any) -> ir.Graph:
        bindings = [b for block in function.body.blocks for b in block.bindings]
        values = {binding.var: binding.value for binding in bindings}
        calls = [
            (b.var, b.value, values[b.value.op])
            for b in bindings
            if isinstance(b.value, Call) and isinstance(values.get(b.value.op), relax.Function)
        ]
        heads = _read_as_heads(calls)
        for param in function.params:
            rank = len(shape_of(param))
            axes = head_axes(rank) if param in heads else default_axes(rank)
            self._views[param] = self._new(param, axes)
        inputs = [self._port(param) for param in function.params]
        composites = {var: (call, composite) for var, call, composite in calls}
        for binding in bindings:
            if binding.var in composites:
                self._composite(binding.var, *composites[binding.var])
            elif isinstance(binding.value, relax.Var):
                self._views[binding.var] = self._views[binding.value]
        result = values.get(function.body.body, function.body.body)
        results = list(result.fields) if isinstance(result, relax.Tuple) else [function.body.body]
        passed = {port.tensor for port in inputs}
        outputs = [self._output(expr, passed) for expr in results]
        tensors, ops, moves = self._tensors, tuple(self._ops), tuple(self._moves)
        return ir.Graph(name, tuple(inputs), tuple(outputs), tensors, ops, moves)

    def _new(self, expr: Any, axes: Axes) -> View:
        """A new tensor for a value."""
        name = f"t{len(self._tensors)}"
        self._tensors[name] = ir.Tensor(name, shape_under(axes, shape_of(expr)))
        return View(name, axes)

    def _output(self, expr: Any, inputs: set[str]) -> ir.Port:
        """An input that is only renamed still has to be copied to the output."""
        view = self._views[expr]
        if view.tensor in inputs:
            source = ir.Source("reshape", len(self._ops))
            copied = self._new(expr, view.axes)
            self._ops.append(copy_of(f"copy_{source.index}", source, view.tensor, copied.tensor))
            self._views[expr] = copied
        return self._port(expr)

    def _port(self, expr: Any) -> ir.Port:
        view = self._views[expr]
        return ir.Port(view.tensor, shape_of(expr), view.axes)

    def _composite(self, var: Any, call: Any, function: Any) -> None:
        kind, hint = _kind(function), str(function.attrs.get(MADE_BY, ""))
        if kind in RENAMES:
            view = self._views[call.args[0]]
            _check_views(kind, {"x": view}, ir.Source(kind, len(self._ops), hint))
            self._views[var] = View(view.tensor, _renamed(kind, function, len(shape_of(var))))
            return
        parts = matched_parts(self._table[kind], function)
        arguments = dict(zip(function.params, call.args, strict=True))
        keys: list[str] = [key for key in OPERANDS if key in parts]
        views = {key: self._views[arguments[parts[key]]] for key in keys}
        names = {key: view.tensor for key, view in views.items()}
        for key, zero_point in input_zero_points(kind, parts).items():
            tensor = self._tensors[names[key]]
            self._tensors[tensor.name] = replace(tensor, zero_point=zero_point)
        source = ir.Source(node_names(hint, self._nodes) or kind, len(self._ops), hint)
        _check_views(kind, views, source)
        self._views[var] = self._new(var, _result_axes(kind, var, views))
        if kind in MOVES:
            axes = next(iter(views.values())).axes
            output, before = self._views[var].tensor, len(self._ops)
            move = build_move(kind, parts, axes, source.node, names, output, before)
            self._moves.append(move)
            return
        op = build(kind, parts, source, names, self._views[var].tensor)
        if isinstance(op, ir.MatMul):
            op = replace(op, transposed=views["b"].axes == TRANSPOSED_HEADS)
        self._ops.append(op)


def _kind(function: Any) -> str:
    return str(function.attrs["Composite"]).removeprefix(f"{PREFIX}.")


def _read_as_heads(calls: list[tuple[Any, Any, Any]]) -> set[Any]:
    """Values that a product of activations or a merge of heads reads, also through elements."""
    found: set[Any] = set()
    for var, call, composite in reversed(calls):
        kind = _kind(composite)
        heads = kind in ("batch_matmul", "merge_heads")
        if heads or (kind in ELEMENTWISE and var in found):
            found.update(call.args)
    return found


def _check_views(kind: str, views: Mapping[str, View], source: ir.Source) -> None:
    """Refuse an op that does not see its operands as it understands them.

    Raises:
        ViewError: a value is an image to one op and heads of an attention to another.
    """
    axes = [view.axes for view in views.values()]
    if kind in ELEMENTWISE:
        right = len(set(axes)) == 1
    elif kind == "concat":
        right = len(set(axes)) == 1 and axes[0] == default_axes(len(axes[0]))
    elif kind in ("batch_matmul", "merge_heads"):
        right = all(a != NCHW_TO_NHWC for a in axes) and axes[0] != TRANSPOSED_HEADS
    else:
        right = axes[0] == default_axes(len(axes[0]))
    if not right:
        seen = " and ".join(SEEN_AS.get(a, "rows") for a in axes)
        raise ViewError(source.variable, f"{kind} reads what its region sees as {seen}")


def _result_axes(kind: str, var: Any, views: dict[str, View]) -> Axes:
    """An element-wise result is seen as its operand is."""
    rank = len(shape_of(var))
    if kind in ELEMENTWISE:
        return views["a" if "a" in views else "x"].axes
    return head_axes(rank) if kind == "batch_matmul" else default_axes(rank)


def _renamed(kind: str, function: Any, rank: int) -> Axes:
    """How the result of an op that moves no data is seen."""
    if kind != "split_heads":
        return default_axes(rank)
    bindings = [b for block in function.body.blocks for b in block.bindings]
    axes = tuple(int(axis) for axis in bindings[-1].value.attrs.axes)
    return HEADS if axes == HEADS else TRANSPOSED_HEADS
