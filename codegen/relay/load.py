# SPDX-License-Identifier: Apache-2.0
"""Read a model into Relay: from ONNX, from Relay text or JSON; every result remembers its node."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
import tvm
from onnx import helper
from tvm import relay
from tvm.relay.frontend import onnx as onnx_frontend

from accel.errors import ModelError
from codegen.frontend.constants import simplify_weights
from codegen.frontend.narrow import carry
from codegen.frontend.nodes import merge_indices, name_nodes, readable
from codegen.frontend.onnx_file import load_model
from codegen.frontend.qoperator import to_qdq
from codegen.relay.expressions import (
    hint_of,
    is_op,
    made_by,
    op_name,
    post_order,
    typed,
    with_arguments,
)

PARSED = ("", "from_string")
"""Names of the source of text that says nothing about its own."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model in Relay, as the file has it: float QDQ, or qnn ops."""

    module: Any
    """tvm.IRModule with `main`, all weights constants."""
    nodes: tuple[tuple[str, str], ...]
    """Name and operator of each ONNX node, or of each Relay call, by its index."""
    qdq: onnx.ModelProto | None
    """The ONNX model, QOperator nodes as QDQ islands; None where there is none."""


def load(path: Path) -> Loaded:
    """Read .onnx, or else Relay text (.relay) or JSON (.json), with its .params beside it.

    Raises:
        ModelError: no such file, or it cannot be read.
    """
    return _load_onnx(path) if path.suffix == ".onnx" else _load_relay(path)


def _load_onnx(path: Path) -> Loaded:
    model = load_model(path)
    operators = [node.op_type for node in model.graph.node]
    names = name_nodes(model)
    try:
        qdq = simplify_weights(to_qdq(carry(model)))
        module = _convert(qdq)
    except ModelError as error:
        raise ModelError(f"{path}: {readable(str(error), names)}") from None
    except Exception as error:  # noqa: BLE001 (the importer raises what it likes)
        lines = str(error).strip().splitlines() or [repr(error)]
        raise ModelError(f"{path}: TVM 0.19 cannot import this model: {lines[-1]}") from None
    return Loaded(module, tuple(zip(names, operators, strict=True)), qdq)


def _convert(model: onnx.ModelProto) -> Any:
    """TVM's importer; it is told all shapes, since it takes a size of zero for an unknown one."""
    given = {tensor.name for tensor in model.graph.initializer}
    shapes = {
        value.name: [d.dim_value for d in value.type.tensor_type.shape.dim]
        for value in model.graph.input
        if value.name not in given
    }
    with _onnx_types(), contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module, _ = relay.frontend.from_onnx(model, shapes, freeze_params=True)
    return typed(module)


@contextlib.contextmanager
def _onnx_types() -> Iterator[None]:
    """TVM 0.19 asks `onnx.mapping`, which newer onnx no longer has."""
    original = onnx_frontend.get_type

    def get_type(kind: Any) -> str:
        return kind if isinstance(kind, str) else str(helper.tensor_dtype_to_np_dtype(kind))

    onnx_frontend.get_type = get_type
    try:
        yield
    finally:
        onnx_frontend.get_type = original


def _load_relay(path: Path) -> Loaded:
    if not path.is_file():
        raise ModelError(f"{path}: no such file")
    text = path.read_text(encoding="utf-8")
    try:
        is_json = text.lstrip().startswith("{")
        module = tvm.ir.load_json(text) if is_json else relay.fromtext(text)
        module = module if isinstance(module, tvm.IRModule) else tvm.IRModule.from_expr(module)
        module = typed(_bind(module, path.with_suffix(".params")))
    except Exception as error:  # noqa: BLE001 (TVM raises what it likes)
        lines = str(error).strip().splitlines() or [repr(error)]
        raise ModelError(f"{path}: not a Relay module: {lines[-1]}") from None
    body, nodes = _number(module["main"].body, path)
    main = relay.Function(module["main"].params, body)
    return Loaded(typed(tvm.IRModule.from_expr(main)), nodes, None)


def _bind(module: Any, parameters: Path) -> Any:
    """The module with its parameters as constants."""
    if not parameters.is_file():
        return module
    bound = relay.load_param_dict(parameters.read_bytes())
    main = relay.build_module.bind_params_by_name(module["main"], bound)
    return tvm.IRModule.from_expr(main)


def _number(body: Any, path: Path) -> tuple[Any, tuple[tuple[str, str], ...]]:
    """Name every call by its index; readable names are its span, or its operator and index."""
    new: dict[Any, Any] = {}
    nodes: list[tuple[str, str]] = []
    for expr in post_order(body):
        if isinstance(expr, relay.Call) and is_op(expr.op):
            name = hint_of(expr)
            own = f"{op_name(expr)}:{len(nodes)}" if name in PARSED else name
            call = with_arguments(expr, [new[argument] for argument in expr.args])
            new[expr] = made_by(call, merge_indices((len(nodes),)))
            nodes.append((own, op_name(expr)))
        elif isinstance(expr, relay.Tuple):
            new[expr] = relay.Tuple([new[field] for field in expr.fields])
        elif isinstance(expr, relay.TupleGetItem):
            new[expr] = relay.TupleGetItem(new[expr.tuple_value], expr.index)
        elif isinstance(expr, (relay.Var, relay.Constant)) or is_op(expr):
            new[expr] = expr
        else:
            raise ModelError(f"{path}: a {type(expr).__name__} in main; only dataflow is supported")
    return new[body], tuple(nodes)
