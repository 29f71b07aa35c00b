# SPDX-License-Identifier: Apache-2.0
"""Small float ONNX models, and what they compute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import InferenceSession

FloatArray = npt.NDArray[np.float32]


def float_model(
    nodes: Sequence[onnx.NodeProto], weights: Mapping[str, FloatArray], shape: Sequence[int]
) -> onnx.ModelProto:
    """From `x` of `shape` to what the last node gives."""
    graph = helper.make_graph(
        nodes,
        "float",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(shape))],
        [helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(v, np.float32), n) for n, v in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 10
    return onnx.shape_inference.infer_shapes(model)


def evaluate(model: onnx.ModelProto, x: FloatArray) -> FloatArray:
    session = InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    result: FloatArray = session.run(None, {"x": x})[0]
    return result
