# SPDX-License-Identifier: Apache-2.0
"""TFLite-Micro's own interpreter, where it is installed (the package `tflite-micro`)."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy.typing as npt

Arrays = list[npt.NDArray[Any]]


def run_tflite_micro(path: Path, inputs: Arrays, outputs: int) -> Arrays | None:
    """Execute a TFLite file; None: not installed, or an operator that it does not have."""
    if find_spec("tflite_micro") is None:
        return None
    from tflite_micro.python.tflite_micro import runtime

    try:
        interpreter = runtime.Interpreter.from_file(str(path))
        for index, values in enumerate(inputs):
            interpreter.set_input(values, index)
        interpreter.invoke()
    except (RuntimeError, ValueError):
        return None
    return [interpreter.get_output(index) for index in range(outputs)]
