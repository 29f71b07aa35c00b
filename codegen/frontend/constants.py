# SPDX-License-Identifier: Apache-2.0
"""Weights as int8 constants around zero, however an exporter writes them.

float weight -> QuantizeLinear -> DequantizeLinear      the quantized values are computed here
int8 weight -> Transpose -> DequantizeLinear            so are moved ones
weights with zero points, whose distance from them      the distance is stored,
fits int8 (all of at most 7 bits, many of 8)            with zero point 0
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from codegen.frontend.qoperator import with_graph

FOLDED = frozenset(
    {
        *("Cast", "Constant", "Identity", "QuantizeLinear"),
        *("Reshape", "Squeeze", "Transpose", "Unsqueeze"),
    }
)
"""Computed when all inputs are constants."""
QDQ_OPSET = 21
"""For which onnx's evaluator has Q/DQ; it means the same since opset 10."""
Constants = dict[str, onnx.TensorProto]


def simplify_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model with simpler constants.

    Args:
        model: not changed; in carriers (narrow.py), with QDQ islands.
    """
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    outputs = {value.name for value in model.graph.output}
    nodes = []
    for node in model.graph.node:
        known = all(name in constants for name in node.input if name)
        folded = node.op_type in FOLDED or _is_scalar(node, constants)
        if known and folded and not outputs & set(node.output):
            constants[node.output[0]] = _value(node, constants, model)
        elif node.op_type == "DequantizeLinear" and known and len(node.input) == 3:
            nodes.append(_centered(node, constants))
        else:
            nodes.append(node)
    used = {name for node in nodes for name in node.input} | outputs
    return with_graph(model, nodes, {n: t for n, t in constants.items() if n in used})


def _is_scalar(node: onnx.NodeProto, constants: Constants) -> bool:
    """Whether a node dequantizes one number: a bound, a factor or what a Pad writes."""
    value = constants.get(node.input[0]) if node.input else None
    return node.op_type == "DequantizeLinear" and value is not None and not value.dims


def _value(node: onnx.NodeProto, constants: Constants, model: onnx.ModelProto) -> onnx.TensorProto:
    """What a node of constants gives."""
    given = {name: numpy_helper.to_array(constants[name]) for name in node.input if name}
    inputs = [
        helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape
        )
        for name, value in given.items()
    ]
    output = onnx.ValueInfoProto(name=node.output[0])
    plain = onnx.NodeProto()
    plain.CopyFrom(node)
    plain.domain = ""  # com.microsoft has the same operators for older opsets
    graph = helper.make_graph([plain], "constant", inputs, [output])
    opsets = (
        [helper.make_opsetid("", QDQ_OPSET)] if "Linear" in node.op_type else model.opset_import
    )
    one = helper.make_model(graph, opset_imports=opsets)
    results = dict(zip([output.name], ReferenceEvaluator(one).run(None, given), strict=True))
    return numpy_helper.from_array(results[output.name], output.name)


def _centered(node: onnx.NodeProto, constants: Constants) -> onnx.NodeProto:
    """A DequantizeLinear of weights with zero point 0, where that changes no value."""
    weights, zero = (numpy_helper.to_array(constants[node.input[i]]) for i in (0, 2))
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    if weights.dtype not in (np.int8, np.uint8) or attributes.get("block_size"):
        return node
    shape = [1] * weights.ndim
    if zero.size > 1:
        shape[attributes.get("axis", 1)] = zero.size
    distance = weights.astype(np.int16) - zero.astype(np.int16).reshape(shape)
    limits = np.iinfo(np.int8)
    if not zero.any() or distance.min() < limits.min or distance.max() > limits.max:
        return node
    changed = onnx.NodeProto()
    changed.CopyFrom(node)
    for index, values in ((0, distance), (2, np.zeros_like(zero))):
        name = f"{node.output[0]}.centered{index}"
        constants[name] = numpy_helper.from_array(values.astype(np.int8), name)
        changed.input[index] = name
    return changed
