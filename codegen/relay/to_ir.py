# SPDX-License-Identifier: Apache-2.0
"""Translate an offloaded Relay function into a neutral graph. Below this, no TVM."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tvm import relay

from codegen import ir
from codegen.frontend.nodes import node_indices, node_names
from codegen.mosaics import copy_of
from codegen.partition.build import build, input_zero_points
from codegen.partition.legality import RENAMES
from codegen.partition.views import default_axes, shape_under
from codegen.relay.expressions import hint_of, post_order, shape_of
from codegen.relay.patterns import PREFIX, Pattern, match, neutral, pattern_table

OPERANDS = ("x", "a", "b")
"""Parts of a pattern that are activations."""


def to_ir(name: str, function: Any, nodes: tuple[str, ...]) -> ir.Graph:
    """Translate one region.

    Args:
        name: name of the graph.
        function: a function with `Compiler = "tessera"`, its calls are composites.
        nodes: readable node names by index.
    """
    return _Translator({p.name: p for p in pattern_table()}, nodes).graph(name, function)


class _Translator:
    """Walks one region in execution order."""

    def __init__(self, table: dict[str, Pattern], nodes: tuple[str, ...]) -> None:
        self._table = table
        self._nodes = nodes
        self._tensors: dict[str, ir.Tensor] = {}
        self._ops: list[ir.Op] = []
        self._names: dict[Any, str] = {}
        """Tensor that holds a value."""

    def graph(self, name: str, function: Any) -> ir.Graph:
        for param in function.params:
            self._names[param] = self._new(param)
        inputs = [self._port(param) for param in function.params]
        for call in _in_node_order(function.body):
            self._composite(call)
        body = function.body
        results = list(body.fields) if isinstance(body, relay.Tuple) else [body]
        passed = {port.tensor for port in inputs}
        outputs = [self._output(expr, passed) for expr in results]
        return ir.Graph(name, tuple(inputs), tuple(outputs), self._tensors, tuple(self._ops))

    def _new(self, expr: Any) -> str:
        """A new tensor for a value."""
        name, shape = f"t{len(self._tensors)}", shape_of(expr)
        self._tensors[name] = ir.Tensor(name, shape_under(default_axes(len(shape)), shape))
        return name

    def _output(self, expr: Any, inputs: set[str]) -> ir.Port:
        """An input that is only renamed still has to be copied to the output."""
        if self._names[expr] in inputs:
            source = ir.Source("reshape", len(self._ops))
            copied = self._new(expr)
            self._ops.append(copy_of(f"copy_{source.index}", source, self._names[expr], copied))
            self._names[expr] = copied
        return self._port(expr)

    def _port(self, expr: Any) -> ir.Port:
        shape = shape_of(expr)
        return ir.Port(self._names[expr], shape, default_axes(len(shape)))

    def _composite(self, call: Any) -> None:
        function = call.op
        kind = str(function.attrs["Composite"]).removeprefix(f"{PREFIX}.")
        if kind in RENAMES:
            self._names[call] = self._names[call.args[0]]
            return
        matched = match(self._table[kind], function.body)
        assert matched is not None, f"{kind} is what its own pattern made"
        arguments = dict(zip(function.params, call.args, strict=True))
        names = {key: self._names[arguments[matched[key]]] for key in OPERANDS if key in matched}
        parts = neutral(kind, matched)
        for key, zero_point in input_zero_points(kind, parts).items():
            tensor = self._tensors[names[key]]
            self._tensors[tensor.name] = replace(tensor, zero_point=zero_point)
        hint = hint_of(function.body)
        source = ir.Source(node_names(hint, self._nodes) or kind, len(self._ops))
        self._names[call] = self._new(call)
        self._ops.append(build(kind, parts, source, names, self._names[call]))


def _in_node_order(body: Any) -> list[Any]:
    """Calls of composites, operands first, branches in the order of the model's nodes.

    Relay has no order beyond that of operands; a schedule keeps the one that it is given.
    """
    calls = [
        expr
        for expr in post_order(body)
        if isinstance(expr, relay.Call) and isinstance(expr.op, relay.Function)
    ]
    place: dict[Any, int] = {}
    for call in calls:
        own = node_indices(hint_of(call.op.body))
        place[call] = max([*own, *(place.get(operand, -1) for operand in call.args)], default=-1)
    return sorted(calls, key=lambda call: place[call])
