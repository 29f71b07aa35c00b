# SPDX-License-Identifier: Apache-2.0
"""What quantizers write around constants: as integers, within a step of onnxruntime."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper

from accel.errors import ModelError
from codegen.frontend.integerize import integerize
from codegen.frontend.onnx_import import import_model
from tests.unit.codegen.onnx_nodes import Array, assert_within_a_step, model_of

pytestmark = pytest.mark.usefixtures("quick_host_code")

RANDOM = np.random.default_rng(9)
X = RANDOM.integers(-128, 128, (1, 3, 5, 6), np.int8)


def island(node: onnx.NodeProto, *before: onnx.NodeProto) -> list[onnx.NodeProto]:
    """Nodes around one that reads "real" and gives "result"."""
    return [
        helper.make_node("DequantizeLinear", ["x", "x_scale", "x_zero"], ["real"]),
        *before,
        node,
        helper.make_node("QuantizeLinear", ["result", "y_scale", "y_zero"], ["y"]),
    ]


def scales(y_scale: float) -> dict[str, Array]:
    return {
        "x_scale": np.float32(0.05),
        "x_zero": np.int8(-7),
        "y_scale": np.float32(y_scale),
        "y_zero": np.int8(11),
    }


def float_ops(model: onnx.ModelProto) -> int:
    integer, _ = integerize(import_model(model, "model").module)
    return str(integer["main"]).count('dtype="float32"')


@pytest.mark.parametrize("kind", ["Mul", "Add"])
def test_a_quantized_scalar_makes_a_table(kind: str) -> None:
    constants = scales(0.08) | {
        "c": np.int8(90),
        "c_scale": np.float32(0.013),
        "c_zero": np.int8(0),
    }
    factor = helper.make_node("DequantizeLinear", ["c", "c_scale", "c_zero"], ["factor"])
    node = helper.make_node(kind, ["factor", "real"], ["result"])
    model = model_of(island(node, factor), {"x": X}, constants)
    assert float_ops(model) == 0
    assert_within_a_step(model_of(island(node, factor), {"x": X}, constants), {"x": X})


def norm(training: int = 0) -> onnx.NodeProto:
    inputs = ["real", "scale", "offset", "mean", "variance"]
    return helper.make_node(
        "BatchNormalization", inputs, ["result"], name="norm", training_mode=training
    )


def test_a_batch_norm_on_its_own_is_a_factor_and_an_offset_per_channel() -> None:
    constants = scales(0.07) | {
        name: RANDOM.uniform(0.5, 1.5, 3).astype(np.float32)
        for name in ("scale", "offset", "mean", "variance")
    }
    assert float_ops(model_of(island(norm()), {"x": X}, constants)) == 0
    assert_within_a_step(model_of(island(norm()), {"x": X}, constants), {"x": X})


def test_a_batch_norm_in_training_is_refused() -> None:
    constants = scales(0.07) | dict.fromkeys(
        ("scale", "offset", "mean", "variance"), np.ones(3, np.float32)
    )
    model = model_of(island(norm(training=1)), {"x": X}, constants)
    with pytest.raises(ModelError, match="norm is in training mode: export the model for"):
        import_model(model, "model")
