# SPDX-License-Identifier: Apache-2.0
"""A compiled model as a run sees it, whichever IR it went through.

relax_model.py and relay_model.py are the two; each imports its own TVM.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from accel.driver import Driver
from codegen.front import RELAY, Compilation
from sim.difference import Arrays, Call
from sim.inputs import InputSpec


class Artifact(Protocol):
    """An exported library, ready to run on any driver."""

    def input_names(self) -> list[str]:
        """Names of the model's inputs, in order."""

    def run(self, driver: Driver, inputs: Arrays) -> tuple[Arrays, list[Call]]:
        """Execute the model; offloaded regions run on `driver`.

        Returns:
            The model's outputs, and every execution of a region.
        """


class Model(Protocol):
    """A compiled model and its references on the host."""

    @property
    def compiled(self) -> Compilation:
        """What was made of it."""

    def inputs(self) -> list[InputSpec]:
        """What it takes, in order."""

    def macs(self) -> int:
        """Multiply-accumulates of the whole model."""

    def artifact(self) -> Artifact:
        """Export it to a temporary file and load that, as a user would."""

    def golden(self, inputs: Arrays) -> Arrays:
        """Results of its integer form on TVM's host."""

    def others(self, inputs: Arrays) -> dict[str, Arrays]:
        """Results of other executions of the same model, by what they are."""


def open_artifact(path: Path, front: str) -> Artifact:
    """Load an exported library.

    Raises:
        ArtifactError: it is none of this front IR.
    """
    if front == RELAY:
        from sim.relay_model import RelayArtifact

        return RelayArtifact(path)
    from sim.compare import Artifact as RelaxArtifact

    return RelaxArtifact(path)
