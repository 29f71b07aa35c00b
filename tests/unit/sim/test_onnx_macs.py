# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from sim.onnx_macs import count_macs


def test_transposed_convolutions_use_every_input_for_every_tap() -> None:
    weight = numpy_helper.from_array(np.ones((4, 3, 2, 2), np.float32), "w")
    graph = helper.make_graph(
        [helper.make_node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 2])],
        "up",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4, 5, 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3, 10, 12])],
        [weight],
    )
    assert count_macs(helper.make_model(graph)) == 5 * 6 * 4 * 3 * 2 * 2
