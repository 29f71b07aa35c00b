# SPDX-License-Identifier: Apache-2.0
"""Compile C++ files in parallel and link them."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from accel.errors import BuildError
from sim.toolchain import Compiler, jobs


@dataclass(frozen=True, slots=True)
class Unit:
    """A source file with its optimization flag."""

    source: Path
    optimize: str
    shared: bool = False
    """Does not depend on what is built: its object is kept and used again."""
    inline: bool = False
    """Worth the compiler's `inline` flags."""


def compile_and_link(
    compiler: Compiler,
    units: Sequence[Unit],
    result: Path,
    *,
    flags: Sequence[str],
    link: Sequence[str],
    log: Path,
    shared: Path,
    report: Callable[[str], None],
) -> None:
    """Compile `units` beside `result` and link them to it.

    Args:
        compiler: what compiles and links.
        units: the source files, those that take longest first.
        result: file to make.
        flags: of each compilation.
        link: of the link, after the objects.
        log: the tools' output is appended here.
        shared: directory of the objects of shared units.
        report: told how far it is.

    Raises:
        BuildError: the compiler failed; quotes its first error.
    """
    work = result.parent
    objects = [
        _shared_object(compiler, unit, flags, work, shared)
        if unit.shared
        else work / f"{unit.source.stem}.o"
        for unit in units
    ]
    todo = [
        (unit, target)
        for unit, target in zip(units, objects, strict=True)
        if not (unit.shared and target.exists())
    ]
    with ThreadPoolExecutor(jobs()) as pool:
        futures = [
            pool.submit(_compile, compiler, unit, target, flags, log) for unit, target in todo
        ]
        report(f"compiling {len(todo)} files")
        try:
            for count, future in enumerate(as_completed(futures), 1):
                future.result()
                report(f"compiling {len(todo)} files, {count} done")
        except BuildError:
            pool.shutdown(cancel_futures=True)
            raise
    report("linking")
    _run([*compiler.command, *map(str, objects), *link, "-o", str(result)], log)


def _shared_object(
    compiler: Compiler, unit: Unit, flags: Sequence[str], work: Path, shared: Path
) -> Path:
    """Where the object of a shared unit is kept; its name covers all that it depends on."""
    own = [flag for flag in flags if str(work) not in flag]
    facts = (compiler, str(unit.source), unit.source.stat().st_mtime_ns, unit.optimize, own)
    shared.mkdir(parents=True, exist_ok=True)
    key = hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
    return shared / f"{unit.source.stem}-{key}.o"


def _compile(compiler: Compiler, unit: Unit, target: Path, flags: Sequence[str], log: Path) -> None:
    part = target.with_suffix(f".{os.getpid()}.part")
    own = [unit.optimize, *(compiler.inline if unit.inline else ())]
    _run([*compiler.command, *own, *flags, "-c", str(unit.source), "-o", str(part)], log)
    part.rename(target)


def _run(command: Sequence[str], log: Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    with log.open("a", encoding="utf-8") as file:
        file.write(" ".join(command) + "\n" + done.stdout + done.stderr)
    if done.returncode:
        lines = done.stderr.splitlines()
        first = next((i for i, line in enumerate(lines) if "rror" in line), 0)
        quote = "\n".join(f"  {line}" for line in lines[first : first + 4])
        raise BuildError(f"the C++ compiler failed:\n{quote}\nFull log: {log}")
