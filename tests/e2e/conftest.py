# SPDX-License-Identifier: Apache-2.0
"""Networks for the end-to-end tests, built once for all test processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sim.build import ROOT, locked

MODELS = ROOT / "build" / "models"


@pytest.fixture(scope="session")
def network() -> Callable[[str], Path]:
    """Path of a network of `models/`, built when it is not there yet."""

    def build(name: str) -> Path:
        MODELS.mkdir(parents=True, exist_ok=True)
        with locked(MODELS / ".lock"):
            subprocess.run([sys.executable, "-m", "models.build", name], cwd=ROOT, check=True)
        return MODELS / f"{name}.onnx"

    return build
