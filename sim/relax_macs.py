# SPDX-License-Identifier: Apache-2.0
"""Multiply-accumulates of a float Relax module, for models that were never ONNX."""

from __future__ import annotations

from math import prod
from typing import Any

from tvm.ir import Call

from codegen.frontend.expressions import op_name, shape_of

CONVOLUTIONS = ("relax.nn.conv1d", "relax.nn.conv2d")
"""Their weights are [C, C of the input / groups, kernel...]."""


def relax_macs(module: Any) -> int:
    """Of all convolutions and matrix products in `main`."""
    return sum(
        _macs(binding.value)
        for block in module["main"].body.blocks
        for binding in block.bindings
        if isinstance(binding.value, Call)
    )


def _macs(call: Any) -> int:
    name = op_name(call)
    if name in CONVOLUTIONS:
        return prod(shape_of(call)) * prod(shape_of(call.args[1])[1:])
    return prod(shape_of(call)) * shape_of(call.args[0])[-1] if name == "relax.matmul" else 0
