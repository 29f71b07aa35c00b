# SPDX-License-Identifier: Apache-2.0
"""A model compiled through Relax, with its references: TVM's host, and onnxruntime."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from codegen.compile import Compiled
from codegen.frontend.formats import ONNX, TFLITE
from sim.compare import Artifact, export_and_load, input_names, run_host, run_onnxruntime
from sim.difference import Arrays
from sim.inputs import InputSpec, input_specs
from sim.onnx_macs import count_macs
from sim.relax_macs import relax_macs
from sim.tflite_micro import run_tflite_micro


@dataclass(frozen=True, slots=True)
class RelaxModel:
    """See sim.model.Model."""

    path: Path
    compiled: Compiled

    def inputs(self) -> list[InputSpec]:
        """Parameters of `main`."""
        return input_specs(self.compiled)

    def macs(self) -> int:
        """Counted in the ONNX model, where there is one, else in Relax."""
        return macs_of(self.compiled)

    def artifact(self) -> Artifact:
        """Exported and loaded."""
        return export_and_load(self.compiled)

    def golden(self, inputs: Arrays) -> Arrays:
        """Of integer Relax."""
        return run_host(self.compiled.integer, inputs)

    def others(self, inputs: Arrays) -> dict[str, Arrays]:
        """Of the float QDQ form, and of what runs such files elsewhere."""
        imported = self.compiled.imported
        found = {"float QDQ form on TVM host": run_host(imported.module, inputs)}
        if imported.torch is not None:
            return found | {"PyTorch": imported.torch(inputs)}
        if self.path.suffix == TFLITE:
            outputs = len(next(iter(found.values())))
            golden = run_tflite_micro(self.path, inputs, outputs)
            found |= {} if golden is None else {"TFLite-Micro": golden}
        return found | {"onnxruntime": self._onnxruntime(inputs)}

    def _onnxruntime(self, inputs: Arrays) -> Arrays:
        qdq = self.compiled.imported.qdq
        assert qdq is not None
        # Relax names its parameters a little differently from a TFLite file.
        read = self.path.suffix == ONNX
        names = input_names(self.compiled) if read else [value.name for value in qdq.graph.input]
        model = self.path.read_bytes() if read else self.compiled.imported.onnx_bytes()
        return run_onnxruntime(model, dict(zip(names, inputs, strict=True)))


def macs_of(compiled: Compiled) -> int:
    """Multiply-accumulates of the whole model."""
    qdq = compiled.imported.qdq
    return relax_macs(compiled.imported.module) if qdq is None else count_macs(qdq)
