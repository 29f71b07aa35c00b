# SPDX-License-Identifier: Apache-2.0
"""onnxruntime as a reference: the same results on every CPU."""

from __future__ import annotations

import os
from typing import Any

import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import Fail
from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as NoKernel

FATAL_ONLY = 4
"""What fails is raised as well."""
PRECISE = ("session.x64quantprecision", "1")
"""x86 without VNNI multiplies uint8 by int8 with 16-bit sums that saturate; this makes the weights
uint8 there, whose sums do not (onnxruntime_session_options_config_keys.h)."""


def open_session(model: bytes | str | os.PathLike[str]) -> Any:
    """An onnxruntime.InferenceSession of a model, or of the file that holds it.

    What the setting breaks runs as it is written, node by node: QLinearConv of int8, which has no
    uint8 weights and never saturates; products that share a weight (onnxruntime 1.32).
    """
    model = model if isinstance(model, bytes) else str(model)
    options = _options()
    options.add_session_config_entry(*PRECISE)
    try:
        return _session(model, options)
    except (Fail, NoKernel):
        options = _options()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        return _session(model, options)


def _options() -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = FATAL_ONLY
    return options


def _session(model: bytes | str, options: Any) -> Any:
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
