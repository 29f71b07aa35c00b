# SPDX-License-Identifier: Apache-2.0
"""Carry types below eight bits, and 8-bit floats, in bytes: TVM's host has no arithmetic for them.

    int4, int2              one value per int8
    uint4, uint2            one value per uint8
    float8*, float4e2m1     the code of a value per uint8

Quantizing to a narrow integer becomes quantizing to its carrier and a clip; so models with int4
weights reach the accelerator. Floats get operators of their own, see float_codes.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper, shape_inference

from accel.errors import ModelError
from codegen.frontend.qoperator import Rewriter, with_graph

LIMITS: dict[int, tuple[int, int]] = {
    TensorProto.INT4: (-8, 7),
    TensorProto.UINT4: (0, 15),
    TensorProto.INT2: (-2, 1),
    TensorProto.UINT2: (0, 3),
}
SIGNED = (TensorProto.INT4, TensorProto.INT2)
FLOATS = (
    TensorProto.FLOAT8E4M3FN,
    TensorProto.FLOAT8E5M2,
    TensorProto.FLOAT4E2M1,
)
MOVES = frozenset(
    {
        *("Concat", "Flatten", "Gather", "Identity", "Reshape"),
        *("Slice", "Split", "Squeeze", "Transpose", "Unsqueeze"),
    }
)
"""Operators that only move values, whatever carries them."""
OWN_DOMAIN = "tessera"


def carrier(type_: int) -> int:
    """ONNX type that carries values of an ONNX type."""
    if type_ in SIGNED:
        return int(TensorProto.INT8)
    return int(TensorProto.UINT8) if type_ in LIMITS or type_ in FLOATS else type_


def carried_values(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """What the carrier of an array holds; arrays that need no carrier stay as they are."""
    type_ = helper.np_dtype_to_tensor_dtype(values.dtype)
    if type_ in FLOATS:
        return values.view(np.uint8)
    return values.astype(helper.tensor_dtype_to_np_dtype(carrier(type_)), copy=False)


def carry(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model with every narrow tensor in its carrier.

    Args:
        model: not changed; its nodes have names.

    Raises:
        ModelError: something other than quantizing, dequantizing and moving is done with one.
    """
    known = shape_inference.infer_shapes(model)
    types = _types(known.graph)
    if not any(carrier(type_) != type_ for type_ in types.values()):
        return model
    constants = {tensor.name: _carried(tensor) for tensor in model.graph.initializer}
    nodes = [piece for node in model.graph.node for piece in _rewrite(node, types, constants)]
    carried = with_graph(known, nodes, constants)
    for value in (*carried.graph.input, *carried.graph.output, *carried.graph.value_info):
        value.type.tensor_type.elem_type = carrier(value.type.tensor_type.elem_type)
    return carried


def _types(graph: onnx.GraphProto) -> dict[str, int]:
    """ONNX type of every tensor that is known."""
    known = {tensor.name: tensor.data_type for tensor in graph.initializer}
    for value in (*graph.input, *graph.output, *graph.value_info):
        known[value.name] = value.type.tensor_type.elem_type
    return known


def _carried(tensor: onnx.TensorProto) -> onnx.TensorProto:
    if carrier(tensor.data_type) == tensor.data_type:
        return tensor
    return numpy_helper.from_array(carried_values(numpy_helper.to_array(tensor)), tensor.name)


def _rewrite(
    node: onnx.NodeProto, types: dict[str, int], constants: dict[str, onnx.TensorProto]
) -> list[onnx.NodeProto]:
    """What computes a node on carriers."""
    touched = [types.get(name, 0) for name in (*node.input, *node.output)]
    narrow = next((type_ for type_ in touched if carrier(type_) != type_), None)
    if narrow is None or node.op_type in MOVES:
        return [node]
    if node.op_type not in ("QuantizeLinear", "DequantizeLinear"):
        raise ModelError(
            f"node {node.name} is a {node.op_type} of {TensorProto.DataType.Name(narrow)}: only "
            "QuantizeLinear, DequantizeLinear and what moves values take this type"
        )
    rewriter = Rewriter(node, constants)
    attributes = rewriter.attributes("output_dtype")
    if narrow in FLOATS:
        op = node.op_type.replace("Linear", "Float")
        rewriter.emit(op, node.input, node.output[0], OWN_DOMAIN, float_type=narrow, **attributes)
    elif node.op_type == "DequantizeLinear":
        rewriter.emit(node.op_type, node.input, node.output[0], **attributes)
    else:
        attributes["output_dtype"] = carrier(narrow)
        wide = rewriter.emit(node.op_type, node.input, **attributes)
        kind = helper.tensor_dtype_to_np_dtype(carrier(narrow))
        limits = [rewriter.constant(np.asarray(limit, kind)) for limit in LIMITS[narrow]]
        rewriter.emit("Clip", [wide, *limits], node.output[0])
    return rewriter.pieces
