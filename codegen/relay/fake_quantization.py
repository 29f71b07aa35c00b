# SPDX-License-Identifier: Apache-2.0
"""TVM's FakeQuantizationToInteger: float ops between dequantize and quantize become qnn ops.

Where TVM lets one register a conversion: results remember their node; a clip's bounds are rounded,
as QuantizeLinear would (TVM truncates them); a reshape moves the axis of scales per channel (TVM
keeps its number, and crashes on what comes out).
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

from codegen.relay.expressions import hint_of, made_by, shape_of, values

REGISTRY = "FTVMFakeQuantizationToInteger"
MOVED = "its axis of scales per channel moves: the island stays float"
LEVEL = 11
"""Above TVM's own conversions."""
REMEMBERING = (
    *("add", "multiply", "subtract", "mean", "nn.avg_pool2d", "nn.batch_matmul", "nn.bias_add"),
    *("nn.conv2d", "nn.dense", "nn.global_avg_pool2d", "nn.relu", "sigmoid", "tanh"),
)


MOVING = ("expand_dims", "nn.batch_flatten", "nn.depth_to_space", "squeeze", "transpose")
"""Ops that may move the axis of scales per channel."""


def to_qnn(module: Any) -> Any:
    """A float QDQ module with its quantized islands as qnn ops; the rest stays float."""
    _register()
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
    for name in REMEMBERING:
        convert = relay.op.get(name).get_attr(REGISTRY)
        register_fake_quantization_to_integer(name, _remembering(convert), LEVEL)
    convert = relay.op.get("clip").get_attr(REGISTRY)
    register_fake_quantization_to_integer("clip", _rounding(convert), LEVEL)
    register_fake_quantization_to_integer("reshape", _reshaped, LEVEL)
    for name in MOVING:
        register_fake_quantization_to_integer(name, _moved, LEVEL)


def _remembering(convert: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def run(expr: Any, types: Any) -> Any:
        result, kind = convert(expr, types)
        named = isinstance(result, relay.Call) and not hint_of(result)
        return [made_by(result, hint_of(expr)) if named else result, kind]

    return run


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
        return [made_by(result, hint_of(expr)), kind]

    return run


def _reshaped(expr: Any, types: Any) -> Any:
    """A reshape keeps scales of a last axis that it keeps."""
    kind = types[expr.args[0]]
    scale = values(kind.scale)
    if scale is not None and scale.size == 1:
        return [expr, kind]
    before, after = shape_of(expr.args[0]), shape_of(expr)
    if int(kind.axis) % len(before) != len(before) - 1 or before[-1] != after[-1]:
        raise ValueError(MOVED)
    axis = len(after) - 1
    return [expr, tvm.ir.TensorAffineType(kind.scale, kind.zero_point, kind.dtype, axis)]


def _moved(expr: Any, types: Any) -> Any:
    kind = types[expr.args[0]]
    scale = values(kind.scale)
    if scale is None or scale.size != 1:
        raise ValueError(MOVED)
    return [expr, kind]
