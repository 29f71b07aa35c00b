# SPDX-License-Identifier: Apache-2.0
"""Verilator -Wall on the RTL: the top in every named configuration, each module on its own.

python -m sim.lint           exit 1 and show the messages if there are any
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from accel.config import CONFIG_DIR, load_config
from sim.build import ROOT, RTL, parameters, rtl_files
from sim.toolchain import find_verilator, jobs

WAIVERS = RTL / "lint" / "verilator.vlt"
TOP = "tessera_top"


@dataclass(frozen=True, slots=True)
class Job:
    """A module to check, with its parameters."""

    name: str
    module: str
    parameters: Mapping[str, int] = field(default_factory=dict)


def jobs_for(rtl: Path) -> Iterator[Job]:
    """The top by configuration, then every module of the file list except generated ones."""
    for path in sorted(CONFIG_DIR.glob("*.toml")):
        yield Job(f"{TOP} ({path.stem})", TOP, parameters(load_config(path)))
    for file in rtl_files(rtl):
        module = file.stem
        if not module.endswith("_pkg") and module != TOP and file.parent.name != "gen":
            yield Job(module, module)


def lint(job: Job, rtl: Path = RTL) -> list[str]:
    """Verilator's messages for one job, without repetition; empty when it is clean."""
    command = [str(find_verilator().executable), "--lint-only", "-Wall", "--assert", "-Wno-fatal"]
    command += ["--top-module", job.module, f"-I{rtl / 'common'}", str(WAIVERS)]
    command += [f"-G{name}={value}" for name, value in job.parameters.items()]
    command += map(str, rtl_files(rtl))
    environment = {k: v for k, v in os.environ.items() if k != "VERILATOR_ROOT"}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("%")]
    if done.returncode and not lines:
        lines = [f"%Error: Verilator exits with {done.returncode}"]
    return list(dict.fromkeys(line.replace(f"{ROOT}/", "") for line in lines))


def main() -> int:
    """Command line; returns the exit status."""
    todo = list(jobs_for(RTL))
    with ThreadPoolExecutor(jobs()) as pool:
        results = list(pool.map(lint, todo))
    bad = 0
    for job, messages in zip(todo, results, strict=True):
        if messages:
            bad += 1
            print(f"{job.name}: {len(messages)} messages")
            print("\n".join(f"  {message}" for message in messages))
    print(f"Verilator -Wall: {len(todo)} runs, {bad} with messages")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
