# SPDX-License-Identifier: Apache-2.0
"""Converters from ONNX to Relax that TVM's importer lacks, or has for fewer cases.

Each takes what TVM gives a converter: block builder, inputs, attributes, known parameters.
Definitions: https://onnx.ai/onnx/operators.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import helper
from tvm import relax
from tvm.ir import GenericConst
from tvm.relax.frontend.onnx import onnx_frontend

from accel.errors import ModelError
from codegen.frontend.expressions import dtype_of, shape_of
from codegen.frontend.float_codes import decode, encode
from codegen.frontend.pad_op import pad
from codegen.frontend.pads import with_pads
from codegen.frontend.pool_indices import max_pool

Convert = Callable[[Any, Any, Any, Any], Any]


def _clip(bb: Any, inputs: Any, attrs: Any, params: Any) -> Any:
    """Clip as relax.clip (TVM spells it out in primitives that no pattern matches).

    Bounds that show only at run time stay operands, as integers do.
    """
    x = inputs[0]
    bounds = [
        attrs[key] if key in attrs else inputs[index] for index, key in ((1, "min"), (2, "max"))
    ]
    known = [b.value.numpy().item() if isinstance(b, GenericConst) else b for b in bounds]
    if dtype_of(x) == "float32" and all(b is None or isinstance(b, float) for b in known):
        largest = float(np.finfo(np.float32).max)
        high = largest if known[1] is None else known[1]
        return relax.op.clip(x, -largest if known[0] is None else min(known[0], high), high)
    for bound, limit in zip(bounds, (relax.op.maximum, relax.op.minimum), strict=True):
        if bound is not None:
            x = bb.normalize(limit(x, bound))
    return x


def _quantized_axis(x: Any, attrs: Any) -> int:
    axis = int(attrs.get("axis", 1))
    return axis % len(shape_of(x)) if len(shape_of(x)) > 1 else 0


def _spread(bb: Any, parameter: Any, x: Any, attrs: Any) -> Any:
    """A scale or zero point in a shape that broadcasts to `x`: per tensor, axis or block."""
    shape = shape_of(parameter)
    axis, block = _quantized_axis(x, attrs), int(attrs.get("block_size", 0))
    if block:
        repeated = bb.normalize(relax.op.repeat(parameter, block, axis))
        return relax.op.strided_slice(repeated, [axis], [0], [shape_of(x)[axis]])
    if np.prod(shape) == 1:
        return relax.op.reshape(parameter, ())
    return relax.op.reshape(parameter, [-1 if a == axis else 1 for a in range(len(shape_of(x)))])


def _float32(value: Any) -> Any:
    return value if dtype_of(value) == "float32" else relax.op.astype(value, "float32")


def _narrow(bb: Any, value: Any, dtype: str) -> Any:
    return bb.normalize(value if dtype == "float32" else relax.op.astype(value, dtype))


def _quantize(bb: Any, inputs: Any, attrs: Any, params: Any) -> Any:
    x, scale, zero = inputs[0], inputs[1], inputs[2]
    given = attrs.get("output_dtype", 0)
    dtype = str(helper.tensor_dtype_to_np_dtype(given)) if given else "uint8"
    zero = relax.const(0, dtype) if zero is None else zero
    dtype = dtype_of(zero)
    x = bb.normalize(_float32(x))
    if not attrs.get("block_size", 0):
        axis = _quantized_axis(x, attrs)
        return relax.op.quantize(x, bb.normalize(_float32(scale)), zero, axis, dtype)
    limits = np.iinfo(dtype)
    y = relax.op.round(relax.op.divide(x, _spread(bb, bb.normalize(_float32(scale)), x, attrs)))
    wide = bb.normalize(relax.op.astype(zero, "float32"))
    wide = wide if not shape_of(wide) else _spread(bb, wide, x, attrs)
    y = relax.op.clip(relax.op.add(y, wide), float(limits.min), float(limits.max))
    return relax.op.astype(y, dtype)


def _dequantize(bb: Any, inputs: Any, attrs: Any, params: Any) -> Any:
    x, scale, zero = inputs[0], inputs[1], inputs[2]
    given = attrs.get("output_dtype", 0)
    dtype = str(helper.tensor_dtype_to_np_dtype(given)) if given else dtype_of(scale)
    zero = relax.const(0, dtype_of(x)) if zero is None else zero
    scale = bb.normalize(_float32(scale))
    if not attrs.get("block_size", 0):
        axis = _quantized_axis(x, attrs)
        real = relax.op.dequantize(x, scale, zero, axis, "float32")
        return _narrow(bb, bb.normalize(real), dtype)
    wide = bb.normalize(relax.op.astype(zero, "int32"))
    wide = wide if not shape_of(wide) else _spread(bb, wide, x, attrs)
    steps = relax.op.subtract(relax.op.astype(x, "int32"), wide)
    real = relax.op.multiply(relax.op.astype(steps, "float32"), _spread(bb, scale, x, attrs))
    return _narrow(bb, bb.normalize(real), dtype)


def _quantize_float(bb: Any, inputs: Any, attrs: Any, params: Any) -> Any:
    """QuantizeLinear to the codes of a narrow float (see narrow.py)."""
    x, zero = bb.normalize(_float32(inputs[0])), inputs[2]
    scale = _spread(bb, bb.normalize(_float32(inputs[1])), x, attrs)
    y = bb.normalize(relax.op.divide(x, scale))
    if zero is not None:
        offset = decode(bb, zero, attrs["float_type"])
        y = relax.op.add(y, _spread(bb, offset, x, attrs))
    return encode(bb, bb.normalize(y), attrs["float_type"], bool(attrs.get("saturate", 1)))


def _dequantize_float(bb: Any, inputs: Any, attrs: Any, params: Any) -> Any:
    """DequantizeLinear of the codes of a narrow float."""
    x, scale, zero = inputs[0], inputs[1], inputs[2]
    real = decode(bb, x, attrs["float_type"])
    if zero is not None:
        offset = decode(bb, zero, attrs["float_type"])
        real = relax.op.subtract(real, _spread(bb, offset, x, attrs))
    real = relax.op.multiply(real, _spread(bb, bb.normalize(_float32(scale)), x, attrs))
    return _narrow(bb, bb.normalize(real), dtype_of(scale))


def _dynamic_quantize(bb: Any, inputs: Any, attrs: Any, params: Any) -> Any:
    """DynamicQuantizeLinear; a tensor of zeros has scale 1, as in onnxruntime (TVM: 0 / 0)."""
    x, zero, top = inputs[0], relax.const(0.0), relax.const(255.0)
    low, high = relax.op.minimum(zero, relax.op.min(x)), relax.op.maximum(zero, relax.op.max(x))
    span = bb.emit(relax.op.subtract(high, low))
    scale = bb.emit(
        relax.op.where(relax.op.equal(span, zero), relax.const(1.0), relax.op.divide(span, top))
    )
    point = relax.op.round(relax.op.clip(relax.op.divide(relax.op.negative(low), scale), 0, 255))
    point = bb.emit(relax.op.astype(point, "uint8"))
    return relax.Tuple([bb.normalize(relax.op.quantize(x, scale, point, 0, "uint8")), scale, point])


def _reshape(bb: Any, inputs: Any, attrs: Any, params: Any) -> Any:
    """Reshape as TVM has it; but with allowzero a size of zero is one, and nothing is left."""
    shape = inputs[1]
    if attrs.get("allowzero", 0) and isinstance(shape, GenericConst):
        sizes = shape.value.numpy().tolist()
        if 0 in sizes:
            return relax.op.zeros(relax.ShapeExpr(sizes), dtype_of(inputs[0]))
    return onnx_frontend.Reshape.get_converter(13)(bb, inputs, attrs, params)


def _conv(bb: Any, inputs: Any, attrs: Any, params: Any) -> Any:
    """Conv as TVM has it; but `auto_pad` is padding of the convolution, not a pad before it."""
    attrs = {"kernel_shape": list(shape_of(inputs[1])[2:])} | attrs
    attrs = with_pads(list(shape_of(inputs[0])[2:]), attrs)
    return onnx_frontend.Conv.get_converter(11)(bb, inputs, attrs, params)


def _conv_integer(bb: Any, inputs: Any, attrs: Any, params: Any) -> Any:
    """ConvInteger: the int32 sums of a convolution, zero points subtracted first."""
    wide = []
    for value, zero in ((inputs[0], inputs[2]), (inputs[1], inputs[3])):
        steps = relax.op.astype(value, "int32")
        if zero is not None:
            point = bb.normalize(relax.op.astype(zero, "int32"))
            per_channel = len(shape_of(zero)) == 1 and shape_of(zero)[0] > 1
            if per_channel:
                point = relax.op.reshape(point, [-1] + [1] * (len(shape_of(value)) - 1))
            elif shape_of(zero):
                point = relax.op.reshape(point, ())
            steps = relax.op.subtract(steps, point)
        wide.append(bb.normalize(steps))
    return _conv(bb, onnx_frontend.onnx_input(wide), attrs, params)


def _batch_norm(bb: Any, inputs: Any, attrs: Any, params: Any) -> Any:
    """BatchNormalization of an inference, as what it does to each channel."""
    if int(attrs.get("training_mode", 0)):
        raise ModelError(
            f"BatchNormalization {attrs['tvm_custom']['name']} is in training mode: export the "
            "model for inference"
        )
    x, scale, offset, mean, variance = (inputs[index] for index in range(5))
    form = [-1 if axis == 1 else 1 for axis in range(len(shape_of(x)))]
    epsilon = relax.const(float(attrs.get("epsilon", 1e-5)), dtype_of(x))
    if isinstance(variance, GenericConst):
        deviation = np.sqrt(variance.value.numpy() + np.float32(epsilon.value.numpy()))
        deviation = relax.const(deviation.astype(dtype_of(x)))
    else:
        deviation = relax.op.sqrt(bb.normalize(relax.op.add(variance, epsilon)))
    for op, value in (
        (relax.op.subtract, mean),
        (relax.op.divide, deviation),
        (relax.op.multiply, scale),
        (relax.op.add, offset),
    ):
        x = bb.normalize(op(x, bb.normalize(relax.op.reshape(bb.normalize(value), form))))
    return x


CONVERTERS: dict[str, Convert] = {
    "BatchNormalization": _batch_norm,
    "Clip": _clip,
    "QuantizeLinear": _quantize,
    "DequantizeLinear": _dequantize,
    "QuantizeFloat": _quantize_float,
    "DequantizeFloat": _dequantize_float,
    "DynamicQuantizeLinear": _dynamic_quantize,
    "Conv": _conv,
    "ConvInteger": _conv_integer,
    "MaxPool": max_pool,
    "Pad": pad,
    "Reshape": _reshape,
}
"""By operator; used for every opset."""
