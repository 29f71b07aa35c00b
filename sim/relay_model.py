# SPDX-License-Identifier: Apache-2.0
"""A model compiled through Relay, with its references: Relay's host, and onnxruntime."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import tvm
from tvm.contrib import graph_executor

from accel.driver import Driver
from accel.errors import ArtifactError
from accel.tvm_runtime import bind
from codegen.relay.artifact import FOLDING, OPT_LEVEL, compile_host
from codegen.relay.compile import RelayCompiled
from codegen.relay.expressions import dtype_of, op_name, post_order, shape_of
from sim.difference import Arrays, Call, recorder, run_onnxruntime
from sim.inputs import InputSpec
from sim.onnx_macs import count_macs


@dataclass(frozen=True, slots=True)
class RelayModel:
    """See sim.model.Model."""

    path: Path
    compiled: RelayCompiled

    def inputs(self) -> list[InputSpec]:
        """Parameters of `main`."""
        params = self.compiled.loaded.module["main"].params
        return [InputSpec(str(p.name_hint), shape_of(p), dtype_of(p)) for p in params]

    def macs(self) -> int:
        """Counted in the ONNX model, where there is one, else in Relay."""
        qdq = self.compiled.loaded.qdq
        return _count_macs(self.compiled.qnn) if qdq is None else count_macs(qdq)

    def artifact(self) -> RelayArtifact:
        """Exported and loaded."""
        with tempfile.TemporaryDirectory(prefix="tessera-") as folder:
            path = Path(folder) / "model.so"
            self.compiled.export(path)
            return RelayArtifact(path)

    def golden(self, inputs: Arrays) -> Arrays:
        """Of integer Relay."""
        return self._host(self.compiled.integer, inputs)

    def others(self, inputs: Arrays) -> dict[str, Arrays]:
        """Of Relay's own qnn ops, which round additions and averages otherwise; of onnxruntime."""
        found = {"Relay's qnn ops on TVM host": self._host(self.compiled.qnn, inputs, FOLDING)}
        if self.compiled.loaded.qdq is not None:
            named = dict(zip((spec.name for spec in self.inputs()), inputs, strict=True))
            found["onnxruntime"] = run_onnxruntime(self.path.read_bytes(), named)
        return found

    def _host(self, module: Any, inputs: Arrays, opt_level: int = OPT_LEVEL) -> Arrays:
        names = [spec.name for spec in self.inputs()]
        return _execute(_executor(compile_host(module, opt_level)), names, inputs)


class RelayArtifact:
    """An exported library, ready to run on any driver.

    Raises:
        ArtifactError: on construction, when it is no such library.
    """

    def __init__(self, path: Path) -> None:
        try:
            library = tvm.runtime.load_module(str(path))
            self._names = _inputs_of(library)
            self._executor = _executor(library)
        except (OSError, RuntimeError, ValueError, AttributeError) as error:
            reason = str(error).strip().splitlines()[-1]
            raise ArtifactError(
                f"{path}: not a model compiled with --ir relay ({reason})"
            ) from None

    def input_names(self) -> list[str]:
        """Names of the model's inputs, in order."""
        return self._names

    def run(self, driver: Driver, inputs: Arrays) -> tuple[Arrays, list[Call]]:
        """Execute the model; offloaded regions run on `driver`.

        Returns:
            The model's outputs, and every execution of a region.
        """
        calls: list[Call] = []
        with bind(recorder(driver, calls)):
            return _execute(self._executor, self._names, inputs), calls


def _inputs_of(library: Any) -> list[str]:
    """Inputs of the graph in order, without its constants."""
    graph = json.loads(str(library["get_graph_json"]()))
    constants = set(map(str, library["get_graph_params"]()))
    names = [graph["nodes"][index]["name"] for index in graph["arg_nodes"]]
    return [name for name in names if name not in constants]


def _executor(library: Any) -> Any:
    return graph_executor.GraphModule(library["default"](tvm.cpu()))


def _execute(executor: Any, names: list[str], inputs: Arrays) -> Arrays:
    for name, array in zip(names, inputs, strict=True):
        executor.set_input(name, array)
    executor.run()
    return [executor.get_output(i).numpy() for i in range(executor.get_num_outputs())]


def _count_macs(module: Any) -> int:
    """Multiply-accumulates of all convolutions and dense layers."""
    total = 0
    for expr in post_order(module["main"].body):
        if op_name(expr).removeprefix("qnn.") in ("conv2d", "nn.conv2d", "dense", "nn.dense"):
            total += prod(shape_of(expr)) * prod(shape_of(expr.args[1])[1:])
    return total
