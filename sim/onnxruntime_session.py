# SPDX-License-Identifier: Apache-2.0
"""Onnxruntime as a reference: quantized sums are exact on every CPU."""

from __future__ import annotations

from typing import Any

import onnxruntime

QUIET = 4
"""Fatal errors only: others are raised as well."""
EXACT_SUMS = ("session.x64quantprecision", "1")
"""Without it, pairs of products saturate at 16 bits on CPUs that lack VNNI."""


def open_session(model: bytes | str) -> Any:
    """A session for a model or its path; one that the option breaks runs as written, node by node.

    (onnxruntime 1.32 fails with it where two products share a weight.)
    """
    try:
        return _open(model, optimize=True)
    except onnxruntime.capi.onnxruntime_pybind11_state.Fail:
        return _open(model, optimize=False)


def _open(model: bytes | str, *, optimize: bool) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = QUIET
    if optimize:
        options.add_session_config_entry(*EXACT_SUMS)
    else:
        level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.graph_optimization_level = level
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
