# SPDX-License-Identifier: Apache-2.0
"""Run a compiled model with a driver and compare it, bit for bit, with TVM's host execution."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tvm
from tvm import relax

from accel.config import AccelConfig
from accel.driver import PAGE, Driver, Outcome
from accel.errors import ArtifactError
from accel.layout import round_up
from accel.model.device import ModelDevice
from accel.program import Program
from accel.tvm_runtime import bind
from codegen import ir
from codegen.artifact import compile_host
from codegen.bands import layout_of
from codegen.compile import Compiled
from codegen.frontend.onnx_reference import open_session
from codegen.passes.choose_feeds import choose_feeds
from codegen.passes.fuse_output_stage import fuse_output_stage
from codegen.passes.place_parts import place_parts
from codegen.pipeline import lower
from sim.host_loops import reference_pipeline

Arrays = list[npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Call:
    """One execution of an offloaded region."""

    symbol: str
    program: Program
    inputs: tuple[npt.NDArray[np.int8], ...]
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Difference:
    """How two sets of outputs differ."""

    elements: int
    mismatched: int
    largest: float

    @property
    def same(self) -> bool:
        """No element differs."""
        return self.mismatched == 0


@dataclass(frozen=True, slots=True)
class Culprit:
    """The first layer whose result is wrong."""

    symbol: str
    layer: str
    node: str
    mismatched: int
    elements: int
    where: tuple[int, ...]
    """[n, y, x, c] of the first wrong element."""
    got: int
    expected: int

    def __str__(self) -> str:
        return (
            f"first wrong layer: {self.layer} (ONNX node {self.node}) of {self.symbol}: "
            f"{self.mismatched} of {self.elements} elements differ, the first at "
            f"[n, y, x, c] = {list(self.where)}: {self.got} instead of {self.expected}"
        )


def difference(a: Sequence[npt.NDArray[Any]], b: Sequence[npt.NDArray[Any]]) -> Difference:
    """Compare output by output."""
    gaps = [np.abs(x.astype(np.float64) - y.astype(np.float64)) for x, y in zip(a, b, strict=True)]
    return Difference(
        sum(gap.size for gap in gaps),
        sum(int(np.count_nonzero(gap)) for gap in gaps),
        max((float(gap.max()) for gap in gaps if gap.size), default=0.0),
    )


def input_names(compiled: Compiled) -> list[str]:
    """Names of the model's inputs, in order."""
    return [str(p.name) for p in compiled.imported.module["main"].params]


def run_host(module: Any, inputs: Arrays) -> Arrays:
    """Execute a Relax module on the host."""
    library = compile_host(module, reference_pipeline())
    machine = relax.VirtualMachine(library, tvm.cpu())
    return _outputs(machine["main"](*map(tvm.runtime.tensor, inputs)))


def run_onnxruntime(model: bytes, inputs: Mapping[str, npt.NDArray[Any]]) -> Arrays:
    """Execute the ONNX file with onnxruntime."""
    return list(open_session(model).run(None, dict(inputs)))


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

        def runner(
            program: Program, tensors: Sequence[npt.NDArray[np.int8]]
        ) -> tuple[npt.NDArray[np.int8], ...]:
            outcome = driver.run(program, tensors)
            calls.append(Call(program.name, program, tuple(tensors), outcome))
            return outcome.outputs

        with bind(runner):
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


def locate(compiled: Compiled, calls: Sequence[Call], driver: Driver) -> Culprit | None:
    """Find the first layer that the device computes differently from the functional model.

    Each region is compiled again with every layer's result as an output, and run on both. None:
    they agree, so the model or the compiler disagrees with TVM's host execution.
    """
    for call in calls:
        graph = _exposed(fuse_output_stage(compiled.graphs[call.symbol], driver.config))
        program = lower(graph, driver.config)
        device = driver.run(program, call.inputs).outputs
        with ModelDevice(driver.config, driver.device.memory.size) as model:
            golden = Driver(model, driver.config).run(program, call.inputs).outputs
        for op, got, expected in zip(graph.ops, device, golden, strict=True):
            wrong = np.argwhere(got != expected)
            if len(wrong):
                first = tuple(int(i) for i in wrong[0])
                return Culprit(
                    call.symbol,
                    op.name,
                    op.source.node,
                    len(wrong),
                    got.size,
                    first,
                    int(got[first]),
                    int(expected[first]),
                )
    return None


def exposed_bytes(graphs: Mapping[str, ir.Graph], config: AccelConfig) -> int:
    """Memory that `locate` needs beyond what the programs themselves need."""
    return max(
        (
            sum(
                round_up(layout_of(name, graph.tensors, config).size, PAGE)
                for name in graph.tensors
            )
            for graph in (
                choose_feeds(place_parts(_exposed(graph), config), config)
                for graph in graphs.values()
            )
        ),
        default=0,
    )


def _exposed(graph: ir.Graph) -> ir.Graph:
    """The graph with the result of every op as an output, as [N, H, W, C]."""
    ports = tuple(
        ir.Port(op.output, graph.tensors[op.output].shape, (0, 1, 2, 3)) for op in graph.ops
    )
    return replace(graph, outputs=ports)
