# SPDX-License-Identifier: Apache-2.0
"""Run a compiled model with a driver and compare it, bit for bit, with TVM's host execution."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import tvm
from tvm import relax

from accel.driver import Driver
from accel.errors import ArtifactError
from accel.tvm_runtime import bind
from codegen.artifact import compile_host
from codegen.compile import Compiled
from sim.difference import Arrays, Call, Culprit, Difference, difference, recorder, run_onnxruntime
from sim.host_loops import reference_pipeline
from sim.locate import exposed_bytes, locate

__all__ = [
    "Arrays",
    "Artifact",
    "Call",
    "Culprit",
    "Difference",
    "difference",
    "export_and_load",
    "exposed_bytes",
    "input_names",
    "locate",
    "run_host",
    "run_onnxruntime",
]


def input_names(compiled: Compiled) -> list[str]:
    """Names of the model's inputs, in order."""
    return [str(p.name) for p in compiled.imported.module["main"].params]


def run_host(module: Any, inputs: Arrays) -> Arrays:
    """Execute a Relax module on the host."""
    library = compile_host(module, reference_pipeline())
    machine = relax.VirtualMachine(library, tvm.cpu())
    return _outputs(machine["main"](*map(tvm.runtime.tensor, inputs)))


class Artifact:
    """An exported library, ready to run on any driver.

    Raises:
        ArtifactError: on construction, when it is no such library.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._machine = relax.VirtualMachine(tvm.runtime.load_module(str(path)), tvm.cpu())
        except (OSError, RuntimeError, ValueError, AttributeError) as error:
            reason = str(error).strip().splitlines()[-1]
            raise ArtifactError(f"{path}: not a compiled model ({reason})") from None

    def input_names(self) -> list[str]:
        """Names of the model's inputs, in order."""
        facts = self._machine.module
        count = int(facts["get_function_arity"]("main"))
        return [str(facts["get_function_param_name"]("main", index)) for index in range(count)]

    def run(self, driver: Driver, inputs: Arrays) -> tuple[Arrays, list[Call]]:
        """Execute the model; offloaded regions run on `driver`.

        Returns:
            The model's outputs, and every execution of a region.
        """
        calls: list[Call] = []
        with bind(recorder(driver, calls)):
            result = self._machine["main"](*map(tvm.runtime.tensor, inputs))
        return _outputs(result), calls


def export_and_load(compiled: Compiled) -> Artifact:
    """Export the artifact to a temporary file and load it back, as a user would."""
    with tempfile.TemporaryDirectory(prefix="tessera-") as folder:
        path = Path(folder) / "model.so"
        compiled.export(path)
        return Artifact(path)


def _outputs(result: Any) -> Arrays:
    if isinstance(result, tvm.runtime.Tensor):
        return [result.numpy()]
    return [tensor.numpy() for tensor in result]
