# SPDX-License-Identifier: Apache-2.0
"""Read and check an ONNX file; no TVM."""

from __future__ import annotations

from pathlib import Path

import onnx

from accel.errors import ModelError

OPSETS = range(10, 26)
"""ONNX opsets we read: QuantizeLinear exists since 10; onnxruntime, with which every run is
compared, implements it to 25."""

HOW_TO_QUANTIZE = (
    "give samples of its inputs with --calibrate DATA.npz|DIR, or quantize it first:\n"
    "  onnxruntime.quantization.quantize_static(FLOAT, INT8, calibration_reader,\n"
    "      quant_format=QuantFormat.QDQ, per_channel=True,\n"
    "      activation_type=QuantType.QInt8, weight_type=QuantType.QInt8)"
)


def read_model(path: Path) -> onnx.ModelProto:
    """Read an ONNX file with static shapes, float or quantized.

    Raises:
        ModelError: not an ONNX file, an unsupported opset, or dynamic shapes.
    """
    if not path.is_file():
        raise ModelError(f"{path}: no such file")
    try:
        model = onnx.load(str(path))
        onnx.checker.check_model(model)
    except Exception as error:  # noqa: BLE001 (protobuf and onnx raise what they like)
        lines = str(error).strip().splitlines() or [repr(error)]
        raise ModelError(f"{path}: not a valid ONNX model: {lines[0]}") from None
    opset = max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=0)
    if opset not in OPSETS:
        raise ModelError(
            f"{path}: opset {opset} is not supported, only {OPSETS.start} to {OPSETS.stop - 1}; "
            "convert it with onnx.version_converter.convert_version(model, 17)"
        )
    _check_shapes(model, path)
    return model


def is_quantized(model: onnx.ModelProto) -> bool:
    """Whether some node of the model quantizes, dequantizes or computes on quantized values."""
    return any(
        node.op_type.startswith("QLinear")
        or node.op_type.endswith(("QuantizeLinear", "DequantizeLinear", "Integer"))
        or node.op_type == "QGemm"
        for node in model.graph.node
    )


def load_model(path: Path) -> onnx.ModelProto:
    """Read a quantized ONNX file.

    Raises:
        ModelError: what `read_model` refuses, or nothing in the model is quantized.
    """
    model = read_model(path)
    if not is_quantized(model):
        raise ModelError(f"{path}: a float model, nothing in it is quantized; {HOW_TO_QUANTIZE}")
    return model


def _check_shapes(model: onnx.ModelProto, path: Path) -> None:
    constants = {initializer.name for initializer in model.graph.initializer}
    for value in model.graph.input:
        if value.name in constants:
            continue
        sizes = [d.dim_value or d.dim_param or "?" for d in value.type.tensor_type.shape.dim]
        if not all(isinstance(size, int) for size in sizes):
            raise ModelError(
                f"{path}: input {value.name} has the dynamic shape {sizes}; fix it, for instance "
                "with python -m onnxruntime.tools.make_dynamic_shape_fixed "
                f"--input_name {value.name} --input_shape 1,..."
            )
