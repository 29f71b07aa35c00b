# SPDX-License-Identifier: Apache-2.0
"""TVM's FakeQuantizationToInteger: float ops between dequantize and quantize become qnn ops.

Where TVM lets one register a conversion, some are wrapped:

- Results remember their node.
- A clip's bounds are rounded, as QuantizeLinear would; TVM truncates them.
- An island stays float in which scales per channel move to another axis, by a reshape or transpose;
  TVM 0.19 keeps the number of the axis, and crashes.
- Only the end of an island may be rounded. TVM gives results in the middle of one the scale of its
  end: in x * clip(x + 3) / 6, each step would be rounded and clipped to int8. Such an island stays
  float, on the host, as do those with a float constant that would be rounded to an int8 scale, and
  leaky ReLU, whose conversion in TVM 0.19 applies it twice.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import tvm
from tvm import relay
from tvm.relay.op.op import register_fake_quantization_to_integer

from codegen.relay.expressions import hint_of, made_by, values

REGISTRY = "FTVMFakeQuantizationToInteger"
MOVED = "its axis of scales per channel moves: the island stays float"
LEVEL = 11
"""Above TVM's own conversions."""
EXACT = ("nn.bias_add", "nn.max_pool2d", "nn.relu")
"""Ops whose result is as exact as their operand."""
BINARY = ("add", "multiply", "subtract")
ROUNDING = (
    *("mean", "nn.avg_pool2d", "nn.global_avg_pool2d", "concatenate"),
    *("abs", "erf", "exp", "hardswish", "log", "rsqrt", "sigmoid", "sqrt", "tanh"),
    *BINARY,
)
"""Ops whose result is rounded to the scale of the island's end."""
PRODUCTS = ("nn.batch_matmul", "nn.conv2d", "nn.dense")
"""Ops with exact int32 results."""
MOVING = (
    *("expand_dims", "nn.batch_flatten", "nn.depth_to_space", "reshape", "squeeze", "transpose"),
)
"""Ops that may move the axis of scales per channel."""


def to_qnn(module: Any) -> Any:
    """A float QDQ module with its quantized islands as qnn ops; the rest stays float."""
    _register()
    _leaves.clear()
    _rounded.clear()
    passes = [
        relay.transform.InferType(),
        relay.transform.FoldConstant(),
        relay.transform.FakeQuantizationToInteger(use_qat=False),
        relay.transform.InferType(),
        relay.transform.FoldConstant(),
        relay.transform.InferType(),
    ]
    with tvm.transform.PassContext(opt_level=3), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TVM keeps an island as it is whose conversion raises
        return tvm.transform.Sequential(passes)(module)


@cache
def _register() -> None:
    for name in (*EXACT, *ROUNDING, *PRODUCTS):
        _wrap(name, relay.op.get(name).get_attr(REGISTRY))
    _wrap("clip", _rounding(relay.op.get("clip").get_attr(REGISTRY)))
    for name in MOVING:
        _wrap(name, _moved)
    _wrap("nn.leaky_relu", _stays_float)
    dequantize = relay.op.get("qnn.dequantize").get_attr(REGISTRY)

    def leaf(expr: Any, types: Any) -> Any:
        result, kind = dequantize(expr, types)
        _leaves.add(result)
        return [result, kind]

    register_fake_quantization_to_integer("qnn.dequantize", leaf, LEVEL)


_leaves: set[Any] = set()
"""What islands read."""
_rounded: set[Any] = set()
"""Results of ROUNDING ops, and what exact ops made of them."""


def _wrap(name: str, convert: Callable[[Any, Any], Any]) -> None:
    def run(expr: Any, types: Any) -> Any:
        rounded = any(operand in _rounded - _leaves for operand in expr.args)
        if rounded and name in (*ROUNDING, *PRODUCTS):
            raise ValueError("a result in the middle of the island would be rounded")
        if name in BINARY and not _keeps_constants(expr, types):
            raise ValueError("a float constant would be rounded to an int8 scale")
        result, kind = convert(expr, types)
        if isinstance(result, relay.Call) and not hint_of(result):
            result = made_by(result, hint_of(expr))
        if rounded or (name in ROUNDING and str(kind.dtype) != "int32"):
            _rounded.add(result)
        return [result, kind]

    register_fake_quantization_to_integer(name, run, LEVEL)


def _keeps_constants(expr: Any, types: Any) -> bool:
    """Both operands are quantized, or the one that is has the fine scale of int32 sums."""
    known = [types[operand] for operand in expr.args if operand in types]
    return len(known) == len(expr.args) or all(str(kind.dtype) == "int32" for kind in known)


def _rounding(convert: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def run(expr: Any, types: Any) -> Any:
        kind = types[expr.args[0]]
        scale, zero = values(kind.scale), values(kind.zero_point)
        if scale is None or zero is None or scale.size != 1 or zero.size != 1:
            result, kind = convert(expr, types)
        else:
            limits = np.iinfo(str(kind.dtype))
            low, high = (
                int(np.clip(np.rint(np.float32(bound) / scale.item()) + zero.item(), *_range))
                for bound, _range in (
                    (expr.attrs.a_min, (limits.min, limits.max)),
                    (expr.attrs.a_max, (limits.min, limits.max)),
                )
            )
            result = relay.clip(expr.args[0], low, high)
        return [result, kind]

    return run


def _moved(expr: Any, types: Any) -> Any:
    kind = types[expr.args[0]]
    scale = values(kind.scale)
    if scale is not None and scale.size == 1:
        return [expr, kind]
    raise ValueError(MOVED)


def _stays_float(_: Any, __: Any) -> Any:
    raise ValueError("TVM's conversion of this op is wrong")
