# SPDX-License-Identifier: Apache-2.0
"""Tests of the Relay front run in .venv-relay: `make test-relay`, a part of `make test`.

In .venv, where TVM has no Relay, they are not collected; missing packages make `make test` fail.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from codegen.relay import environment
from sim.build import ROOT, locked

collect_ignore_glob = [] if environment.is_here() else ["test_*.py"]
MODELS = ROOT / "build" / "models"
RELAX_PYTHON = ROOT / ".venv" / "bin" / "python"


@pytest.fixture(scope="session")
def network() -> Callable[[str], Path]:
    """Path of a network of `models/`; they are built in .venv, as for all other tests."""

    def build(name: str) -> Path:
        MODELS.mkdir(parents=True, exist_ok=True)
        with locked(MODELS / ".lock"):
            command = [str(RELAX_PYTHON), "-m", "models.build", name]
            subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        return MODELS / f"{name}.onnx"

    return build
