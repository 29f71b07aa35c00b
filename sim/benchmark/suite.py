# SPDX-License-Identifier: Apache-2.0
"""What is measured: networks, and the memories that each runs behind."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from accel.errors import ModelError
from sim.build import ROOT

SMALL = ("digits", "resnet8", "ds_cnn", "mobilenet_v1_025_96", "autoencoder")
NETWORKS = (*SMALL, "resnet18_convs", "resnet50", "gemm")
"""Names or groups that `python -m models.build` knows."""
SWEEP = "gemm_"
"""How the names of the sweep's points begin: gemm_MxKxN."""
MEMORIES = ("default", "ideal8")
LATENCIES = ("fast", "slow")
"""10 and 100 cycles at the default bandwidth (default: 40)."""
MODELS = ROOT / "build" / "models"


def memories_of(network: str) -> tuple[str, ...]:
    """Names of the memory models; small networks show what latency costs."""
    return (*MEMORIES, *LATENCIES) if network in SMALL else MEMORIES


def expand(names: Sequence[str]) -> list[Path]:
    """ONNX files of names, groups and paths, in order; those of names may not exist yet.

    Raises:
        ModelError: no such network.
    """
    found: list[Path] = []
    for name in names:
        if Path(name).suffix == ".onnx":
            found.append(Path(name))
        else:
            found += [MODELS / f"{network}.onnx" for network in _models("--list", name).split()]
    return list(dict.fromkeys(found))


def provide(path: Path) -> None:
    """Build a network of ours if it is missing or out of date.

    Raises:
        ModelError: it cannot be built, or `path` is a file of the user's that does not exist.
    """
    if path.parent == MODELS:
        _models(path.stem)
    elif not path.is_file():
        raise ModelError(f"no file {path}")


def _models(*arguments: str) -> str:
    """Output of `python -m models.build`: a process, since nothing imports `models`."""
    command = [sys.executable, "-m", "models.build", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1]
        raise ModelError(f"python -m models.build {' '.join(arguments)}: {reason}")
    return done.stdout
