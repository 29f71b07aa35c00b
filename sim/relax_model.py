# SPDX-License-Identifier: Apache-2.0
"""A model compiled through Relax, with its references: TVM's host, and onnxruntime."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from codegen.compile import Compiled
from sim.compare import Artifact, export_and_load, input_names, run_host, run_onnxruntime
from sim.difference import Arrays
from sim.inputs import InputSpec, input_specs
from sim.onnx_macs import count_macs


@dataclass(frozen=True, slots=True)
class RelaxModel:
    """See sim.model.Model."""

    path: Path
    compiled: Compiled

    def inputs(self) -> list[InputSpec]:
        """Parameters of `main`."""
        return input_specs(self.compiled)

    def macs(self) -> int:
        """Counted in the ONNX model."""
        return count_macs(self.compiled.imported.qdq)

    def artifact(self) -> Artifact:
        """Exported and loaded."""
        return export_and_load(self.compiled)

    def golden(self, inputs: Arrays) -> Arrays:
        """Of integer Relax."""
        return run_host(self.compiled.integer, inputs)

    def others(self, inputs: Arrays) -> dict[str, Arrays]:
        """Of the float QDQ form, and of onnxruntime."""
        named = dict(zip(input_names(self.compiled), inputs, strict=True))
        return {
            "float QDQ form on TVM host": run_host(self.compiled.imported.module, inputs),
            "onnxruntime": run_onnxruntime(self.path.read_bytes(), named),
        }
