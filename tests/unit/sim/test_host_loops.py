# SPDX-License-Identifier: Apache-2.0
"""Reordered loops give every bit that TVM's own give."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tvm
from tvm import relax

from codegen.artifact import compile_host
from sim.host_loops import reference_pipeline

RANDOM = np.random.default_rng(3)
CASES: dict[str, tuple[list[Any], Any]] = {
    "conv": (
        [
            RANDOM.integers(-255, 256, (1, 5, 9, 8), np.int16),
            RANDOM.integers(-127, 128, (6, 5, 3, 3), np.int8),
        ],
        lambda x, w: relax.op.nn.conv2d(x, w, (2, 1), (1, 1, 1, 1), out_dtype="int32"),
    ),
    "depthwise": (
        [
            RANDOM.normal(size=(1, 6, 9, 8)).astype(np.float32),
            RANDOM.normal(size=(6, 1, 3, 3)).astype(np.float32),
        ],
        lambda x, w: relax.op.nn.conv2d(x, w, padding=(1, 1, 1, 1), groups=6),
    ),
    "matmul": (
        [
            RANDOM.normal(size=(2, 7, 33)).astype(np.float32),
            RANDOM.normal(size=(33, 21)).astype(np.float32),
        ],
        relax.op.matmul,
    ),
    "sum": (
        [RANDOM.normal(size=(1, 6, 9, 8)).astype(np.float32)],
        lambda x: relax.op.sum(x, axis=[2, 3], keepdims=True),
    ),
    "softmax": ([RANDOM.normal(size=(40, 50)).astype(np.float32)], relax.op.nn.softmax),
}


@pytest.mark.parametrize("name", CASES)
def test_every_bit_is_the_same(name: str) -> None:
    arrays, op = CASES[name]
    builder = relax.BlockBuilder()
    variables = [
        relax.Var(f"x{i}", relax.TensorType(a.shape, a.dtype.name)) for i, a in enumerate(arrays)
    ]
    with builder.function("main", variables):
        with builder.dataflow():
            result = builder.emit_output(builder.emit(op(*variables)))
        builder.emit_func_output(result)
    module = builder.get()
    results = []
    for pipeline in ("default", reference_pipeline()):
        machine = relax.VirtualMachine(compile_host(module, pipeline), tvm.cpu())
        results.append(machine["main"](*map(tvm.runtime.tensor, arrays)).numpy())
    np.testing.assert_array_equal(*results)
