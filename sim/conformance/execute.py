# SPDX-License-Identifier: Apache-2.0
"""Execute a case by the kit, or by unmodified TVM, and judge it."""

from __future__ import annotations

import contextlib
import io

import numpy as np
from tvm.relax.frontend.onnx import from_onnx

from accel.config import AccelConfig
from accel.driver import Driver
from accel.errors import TesseraError
from accel.model.device import ModelDevice
from codegen.compile import Compiled, compile_imported
from codegen.explanation import ACCELERATOR
from codegen.frontend.narrow import carried_values
from codegen.frontend.onnx_import import import_model
from sim.compare import Arrays, export_and_load, run_host
from sim.conformance.cases import Case
from sim.conformance.verdict import Verdict
from sim.session import memory_bytes


def run_kit(case: Case, config: AccelConfig) -> Verdict:
    """Through the whole compile path; offloaded regions run on the functional model."""
    inputs = [carried_values(values) for values in case.inputs]
    try:
        compiled = compile_imported(import_model(case.model, case.name), config)
        outputs = _execute(compiled, inputs, config)
    except TesseraError as error:
        return Verdict(case.name, case.operator, str(error).removeprefix(f"{case.name}: "), False)
    except Exception as error:  # noqa: BLE001 (a crash is a verdict too)
        return Verdict(case.name, case.operator, f"crash: {error!r}", False)
    offloaded = any(fate.where == ACCELERATOR for fate in compiled.explanation.nodes)
    return Verdict(case.name, case.operator, _judge(case, outputs), offloaded)


def _execute(compiled: Compiled, inputs: Arrays, config: AccelConfig) -> Arrays:
    if not compiled.programs:
        return run_host(compiled.integer, inputs)
    artifact = export_and_load(compiled)
    with ModelDevice(config, memory_bytes(list(compiled.programs.values()))) as device:
        outputs, _ = artifact.run(Driver(device, config), inputs)
    return outputs


def run_tvm(case: Case) -> Verdict:
    """By TVM's importer and host build as they are."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            outputs = run_host(from_onnx(case.model), list(case.inputs))
    except Exception as error:  # noqa: BLE001 (TVM raises what it likes)
        lines = str(error).strip().splitlines() or [repr(error)]
        return Verdict(case.name, case.operator, lines[-1], False)
    return Verdict(case.name, case.operator, _judge(case, outputs), False)


def _judge(case: Case, outputs: Arrays) -> str:
    """Why outputs are wrong; empty: they are right."""
    if len(outputs) != len(case.outputs):
        return f"{len(outputs)} outputs instead of {len(case.outputs)}"
    for got, exact in zip(outputs, case.outputs, strict=True):
        expected = carried_values(exact)
        if got.dtype != expected.dtype or got.shape != expected.shape:
            return (
                f"{got.dtype} {list(got.shape)} instead of {expected.dtype} {list(expected.shape)}"
            )
        close = np.isclose(got, expected, rtol=case.rtol, atol=case.atol, equal_nan=True)
        if not close.all():
            first = np.unravel_index(int(np.argmin(close)), close.shape)
            return (
                f"{close.size - int(close.sum())} of {close.size} values differ, the first at "
                f"{[int(i) for i in first]}: {got[first]} instead of {expected[first]}"
            )
    return ""
