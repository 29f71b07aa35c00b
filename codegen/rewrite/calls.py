# SPDX-License-Identifier: Apache-2.0
"""How each Relax call is read as a term, and the facts that rules ask for about it.

Each function adds steps to the reader and says whether it did; a call that none reads stays as it
is, rules do not look into it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from tvm import relax

from codegen.frontend.expressions import axes_of, op_name, shape_of
from codegen.rewrite import constants as con
from codegen.rewrite import moves as mv
from codegen.rewrite.reductions import conv1d, conv2d, matmul, pool, reduction

if TYPE_CHECKING:
    from codegen.rewrite.terms import Reader

UNARY = (
    *("abs", "astype", "erf", "exp", "log", "negative", "sigmoid", "sqrt", "tanh"),
    *("nn.gelu", "nn.gelu_tanh", "nn.leakyrelu", "nn.relu", "nn.silu"),
)
HOMOGENEOUS = ("relax.nn.relu", "relax.nn.leakyrelu")
"""f(c * x) = c * f(x) for positive c."""
BINARY = ("add", "divide", "maximum", "minimum", "multiply", "power", "subtract")
RESHAPES = ("reshape", "expand_dims", "squeeze", "flatten")
POOLS = ("nn.avg_pool1d", "nn.avg_pool2d", "nn.max_pool1d", "nn.max_pool2d")
FLOAT32 = (-3.4028234663852886e38, 3.4028234663852886e38)


def _tensors(reader: Reader, *exprs: Any) -> bool:
    return all(reader.is_constant(e) or e in reader.model.step_of for e in exprs)


def unary(reader: Reader, variable: Any, call: Any) -> bool:
    """Element by element."""
    if not _tensors(reader, call.args[0]):
        return False
    index = reader.step(variable, "Un", (reader.operand(call.args[0]),), call)
    if op_name(call) in HOMOGENEOUS:
        reader.fact("homogeneous", index)
    if op_name(call) == "relax.nn.relu":
        reader.fact("selects", index)
    return True


def clip(reader: Reader, variable: Any, call: Any) -> bool:
    """Bounds."""
    bounds = [float(bound.value) for bound in call.args[1:]]
    bounds = [float(np.clip(b, *FLOAT32)) for b in bounds]
    reader.step(variable, "Clip", (reader.operand(call.args[0]), *bounds), call)
    return True


def binary(reader: Reader, variable: Any, call: Any) -> bool:
    """Two operands."""
    return _pair(reader, variable, call, list(call.args), op_name(call).removeprefix("relax."))


def extreme(reader: Reader, variable: Any, call: Any) -> bool:
    """Max and Min of two, which the importer makes a reduction of both, stacked."""
    stack, axes = reader.bound(call.args[0]), call.attrs.axis
    if op_name(stack) != "relax.stack" or int(stack.attrs.axis) or call.attrs.keepdims:
        return False
    parts = reader.bound(stack.args[0])
    if not isinstance(parts, relax.Tuple) or len(parts.fields) != 2:
        return False
    if axes is None or [int(a) for a in axes] != [0] or not _tensors(reader, *parts.fields):
        return False
    name = "maximum" if op_name(call) == "relax.max" else "minimum"
    return _pair(reader, variable, call, list(parts.fields), name)


def broadcast(reader: Reader, variable: Any, call: Any) -> bool:
    """A broadcast that does nothing."""
    if shape_of(call.args[0]) != shape_of(variable) or call.args[0] not in reader.model.step_of:
        return False
    reader.model.step_of[variable] = reader.model.step_of[call.args[0]]
    return True


def _pair(reader: Reader, variable: Any, call: Any, arguments: list[Any], name: str) -> bool:
    shape = shape_of(variable)
    values = [a for a in arguments if not reader.is_constant(a)]
    even = all(shape_of(a) == shape for a in values)
    if len(values) == 1 and not even:
        return False  # the constant broadcasts the value
    operands = [reader.operand(a, len(shape)) for a in arguments]
    index = reader.step(variable, "Bin", (name, *operands), call)
    if len(values) == 2 and even:
        reader.fact("even", index)
    return True


def quantized(reader: Reader, variable: Any, call: Any) -> bool:
    """Quantize and dequantize of an activation."""
    value, scale, zero = call.args
    if not (reader.is_constant(scale) and reader.is_constant(zero)) or reader.is_constant(value):
        return False
    operator = "Q" if op_name(call) == "relax.quantize" else "Dq"
    parameters = [("C", reader.handle(c, 0, "")) for c in (scale, zero)]
    reader.step(variable, operator, (reader.operand(value), *parameters), call)
    return True


def move(reader: Reader, variable: Any, call: Any) -> bool:
    """Reshape and transpose."""
    source, target = shape_of(call.args[0]), shape_of(variable)
    if 0 in source:
        return False
    if op_name(call) == "relax.permute_dims":
        found = mv.permute(source, axes_of(call))
    else:
        found = mv.reshape(source, target)
    (name,) = reader.moved(found)
    reader.step(variable, "Move", (name, reader.operand(call.args[0])), call)
    return True


def concat(reader: Reader, variable: Any, call: Any) -> bool:
    """Values end to end."""
    parts = reader.bound(call.args[0])
    if not isinstance(parts, relax.Tuple) or not _tensors(reader, *parts.fields):
        return False
    axis = int(call.attrs.axis) % len(shape_of(variable))
    operands = [reader.operand(part, len(shape_of(part))) for part in parts.fields]
    reader.step(variable, "Concat", (*operands, axis), call)
    return True


def batch_norm(reader: Reader, variable: Any, item: Any) -> bool:
    """The value of a batch norm with known statistics."""
    call = reader.bound(item.tuple_value)
    if item.index != 0 or op_name(call) != "relax.nn.batch_norm" or call.attrs.training:
        return False
    x, *parameters = call.args
    if not all(reader.is_constant(p) for p in parameters) or reader.is_constant(x):
        return False
    gamma, beta, mean, variance = (con.real_values(p, reader.bound) for p in parameters)
    factor = gamma / np.sqrt(variance + float(call.attrs.epsilon))
    rank, axis = len(shape_of(variable)), int(call.attrs.axis)
    shape = tuple(factor.size if a == axis else 1 for a in range(rank))
    handles = []
    for values in (factor, beta - mean * factor):
        real = values.reshape(shape)
        made = con.Constant(con.float_constant(real), rank, real, None, False)
        handles.append(("C", reader.add(made, "")))
    reader.step(variable, "Norm", (reader.operand(x), *handles), call)
    return True


READERS: dict[str, Callable[[Reader, Any, Any], bool]] = {
    f"relax.{name}": read
    for names, read in (
        (UNARY, unary),
        (BINARY, binary),
        (RESHAPES, move),
        (POOLS, pool),
        (("clip",), clip),
        (("quantize", "dequantize"), quantized),
        (("permute_dims",), move),
        (("nn.conv1d",), conv1d),
        (("nn.conv2d",), conv2d),
        (("matmul",), matmul),
        (("mean", "sum"), reduction),
        (("concat",), concat),
        (("max", "min"), extreme),
        (("broadcast_to",), broadcast),
    )
    for name in names
}
