# SPDX-License-Identifier: Apache-2.0
"""Compile Relay functions and run them: on the functional model, and on Relay's host."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tvm
from tvm import relay

from accel.config import AccelConfig
from accel.driver import Driver
from accel.model.device import ModelDevice
from codegen.choices import BY_PATTERN, Choices
from codegen.relay.compile import RelayCompiled, compile_relay
from codegen.relay.expressions import typed
from sim.difference import Arrays
from sim.inputs import random_inputs
from sim.relay_model import RelayModel

CONFIG = AccelConfig()


@dataclass(frozen=True)
class Ran:
    """What a model gave."""

    compiled: RelayCompiled
    inputs: Arrays
    device: Arrays
    golden: Arrays
    """Integer form on Relay's host."""
    qnn: Arrays
    """Relay's own qnn ops on Relay's host."""

    @property
    def layers(self) -> list[str]:
        """Kinds of the layers on the accelerator."""
        programs = self.compiled.programs.values()
        return [layer.name.rpartition("_")[0] for p in programs for layer in p.layers]

    def mismatched(self, names: Iterable[str]) -> dict[str, int]:
        """Elements of each output that differ between accelerator and Relay's host."""
        pairs = zip(self.device, self.golden, strict=True)
        return dict(zip(names, (int((a != b).sum()) for a, b in pairs), strict=True))

    def off_by(self, names: Iterable[str]) -> dict[str, int]:
        """How far each integer output is from Relay's own qnn ops."""
        pairs = zip(self.golden, self.qnn, strict=True)
        gaps = (int(np.abs(a.astype(int) - b.astype(int)).max()) for a, b in pairs)
        return dict(zip(names, gaps, strict=True))


def save(body: Any, path: Path, *, text: bool = False) -> Path:
    """Write an expression, its free variables as inputs, as a Relay module."""
    function = relay.Function(relay.analysis.free_vars(body), body)
    module = typed(tvm.IRModule.from_expr(function))
    path.write_text(module.astext() if text else tvm.ir.save_json(module), encoding="utf-8")
    return path


def run(path: Path, annotate: str = BY_PATTERN, seed: int = 0) -> Ran:
    """Compile a model file, run it on random inputs everywhere."""
    compiled = compile_relay(path, CONFIG, Choices(annotate=annotate))
    model = RelayModel(path, compiled)
    inputs = random_inputs(model.inputs(), seed)
    with ModelDevice(CONFIG, 1 << 24) as device:
        outputs, _ = model.artifact().run(Driver(device, CONFIG), inputs)
    others = model.others(inputs)
    return Ran(
        compiled, inputs, outputs, model.golden(inputs), others["Relay's qnn ops on TVM host"]
    )
