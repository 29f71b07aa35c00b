# SPDX-License-Identifier: Apache-2.0
"""TVM 0.19, the last with Relay, lives in an environment of its own: both packages are `tvm`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from accel.errors import ConfigError

PACKAGE = "xtc-tvm-python-bindings"
ROOT = Path(__file__).parent.parent.parent
PYTHON = ROOT / ".venv-relay" / "bin" / "python"
"""The interpreter that `make relay` sets up."""


def is_here() -> bool:
    """Whether this process can import Relay."""
    try:
        version(PACKAGE)
    except PackageNotFoundError:
        return False
    return True


def run_there(module: str, arguments: Sequence[str]) -> int:
    """Run `python -m module arguments` where Relay is; returns its exit status.

    Raises:
        ConfigError: that environment is missing.
    """
    if not PYTHON.exists():
        raise ConfigError(
            f"--ir relay needs TVM 0.19 in an environment of its own, and there is no {PYTHON}; "
            "run make relay"
        )
    return subprocess.call([str(PYTHON), "-m", module, *arguments])


def arguments_of(arguments: Sequence[str] | None) -> list[str]:
    """What a command line was given."""
    return list(sys.argv[1:] if arguments is None else arguments)
