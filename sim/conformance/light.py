# SPDX-License-Identifier: Apache-2.0
"""The `light_*` models of the onnx package: whole architectures in float, weights all alike.

Inputs are those of onnx.backend.test.runner, expected outputs lie beside the models. Quantized,
with weights that carry information, they are in `sim.coverage`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from sim.conformance.cases import Array, Case

FOLDER = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
OPERATOR = "light_*"
"""What the report calls them."""
RTOL, ATOL = 1e-3, 1e-7
"""The runner's defaults."""


def names() -> list[str]:
    """All models, by name."""
    return sorted(path.stem for path in FOLDER.glob("*.onnx"))


def collect_light() -> Iterator[Case]:
    """One after the other: VGG-19 takes half a gigabyte."""
    return map(light_case, names())


def light_case(name: str) -> Case:
    """Read a model and what belongs to it."""
    model = onnx.load(str(FOLDER / f"{name}.onnx"))
    weights = {tensor.name for tensor in model.graph.initializer}
    given = [value for value in model.graph.input if value.name not in weights]
    outputs = []
    for index in range(len(model.graph.output)):
        data = (FOLDER / f"{name}_output_{index}.pb").read_bytes()
        outputs.append(numpy_helper.to_array(onnx.TensorProto.FromString(data)))
    return Case(
        f"test_{name}", OPERATOR, model, tuple(map(_ramp, given)), tuple(outputs), RTOL, ATOL
    )


def _ramp(value: onnx.ValueInfoProto) -> Array:
    """From 0 to 1 over all elements."""
    shape = tuple(d.dim_value or 1 for d in value.type.tensor_type.shape.dim)
    count = int(np.prod(shape))
    return (np.arange(count).reshape(shape) / count).astype(np.float32)
