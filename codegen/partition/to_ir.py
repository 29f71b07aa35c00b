# SPDX-License-Identifier: Apache-2.0
"""Translate an offloaded Relax function into a neutral graph. Below this, no TVM."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tvm import relax
from tvm.ir import Call

from codegen import ir
from codegen.frontend.onnx_import import node_names
from codegen.partition.build import build, copy, input_zero_points, nhwc, shape_of
from codegen.partition.partition import MADE_BY, Partitioned, matched_parts
from codegen.partition.patterns import PREFIX, Pattern

NCHW_TO_NHWC = (0, 2, 3, 1)


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
    """
    return _Translator({p.name: p for p in partitioned.table}, nodes).graph(name, function)


class _Translator:
    """Walks one region in execution order."""

    def __init__(self, table: dict[str, Pattern], nodes: tuple[str, ...]) -> None:
        self._table = table
        self._nodes = nodes
        self._tensors: dict[str, ir.Tensor] = {}
        self._ops: list[ir.Op] = []
        self._name_of: dict[Any, str] = {}

    def graph(self, name: str, function: Any) -> ir.Graph:
        inputs = [self._port(param) for param in function.params]
        composites: dict[Any, Any] = {}
        values: dict[Any, Any] = {}
        for block in function.body.blocks:
            for binding in block.bindings:
                value = binding.value
                values[binding.var] = value
                if isinstance(value, relax.Function):
                    composites[binding.var] = value
                elif isinstance(value, Call) and value.op in composites:
                    self._composite(binding.var, value, composites[value.op])
                elif isinstance(value, relax.Var):
                    self._name_of[binding.var] = self._name_of[value]
        result = values.get(function.body.body, function.body.body)
        results = list(result.fields) if isinstance(result, relax.Tuple) else [function.body.body]
        passed = {port.tensor for port in inputs}
        outputs = [self._output(expr, passed) for expr in results]
        return ir.Graph(name, tuple(inputs), tuple(outputs), self._tensors, tuple(self._ops))

    def _tensor(self, expr: Any) -> str:
        shape = nhwc(shape_of(expr))
        assert shape is not None, "legality admits images and rows only"
        name = f"t{len(self._tensors)}"
        self._tensors[name] = ir.Tensor(name, shape)
        return name

    def _port(self, param: Any) -> ir.Port:
        self._name_of[param] = self._tensor(param)
        return self._host_port(self._name_of[param], param)

    def _output(self, expr: Any, inputs: set[str]) -> ir.Port:
        """An input that is only renamed still has to be copied to the output."""
        name = self._name_of[expr]
        if name in inputs:
            source = ir.Source("reshape", len(self._ops))
            copied = self._tensor(expr)
            self._ops.append(copy(f"copy_{source.index}", source, name, copied))
            name = copied
        return self._host_port(name, expr)

    @staticmethod
    def _host_port(tensor: str, expr: Any) -> ir.Port:
        shape = shape_of(expr)
        return ir.Port(tensor, shape, NCHW_TO_NHWC if len(shape) == 4 else (0, 1))

    def _composite(self, var: Any, call: Any, function: Any) -> None:
        kind = str(function.attrs["Composite"]).removeprefix(f"{PREFIX}.")
        if kind == "reshape":
            self._name_of[var] = self._name_of[call.args[0]]
            return
        parts = matched_parts(self._table[kind], function)
        arguments = dict(zip(function.params, call.args, strict=True))
        operands: dict[str, str] = {
            key: self._name_of[arguments[parts[key]]] for key in ("x", "a", "b") if key in parts
        }
        for key, zero_point in input_zero_points(kind, parts).items():
            tensor = self._tensors[operands[key]]
            self._tensors[tensor.name] = replace(tensor, zero_point=zero_point)
        hint = str(function.attrs.get(MADE_BY, ""))
        source = ir.Source(node_names(hint, self._nodes) or kind, len(self._ops))
        self._name_of[var] = self._tensor(var)
        self._ops.append(build(kind, parts, source, operands, self._name_of[var]))
