# SPDX-License-Identifier: Apache-2.0
"""C stubs of an artifact: one function per program, with the program's bytes beside it.

The programs are included as they are (`.incbin`), so that big weights cost the compiler nothing.
What a stub looks like depends on TVM's C interface: artifact.py has it for Relax, relay/artifact.py
for Relay.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

from accel.errors import ArtifactError
from accel.program import Program, to_bytes

MOST_TENSORS = 64


@dataclass(frozen=True, slots=True)
class Interface:
    """TVM's C interface."""

    prologue: str
    """Declares `call`."""
    stub: Template
    """Of `$name`; it begins with `BLOB`."""


BLOB = """\
__asm__(".section .rodata\\n.balign 64\\n${name}_program:\\n.incbin \\"${path}\\"\\n"
        "${name}_program_end:\\n.previous\\n");
extern const unsigned char ${name}_program[], ${name}_program_end[];
"""


def compile_stubs(
    interface: Interface, programs: Mapping[str, Program], includes: Iterable[str], work: Path
) -> Path:
    """Compile stubs and programs to one object file in the folder `work`.

    Raises:
        ArtifactError: no C compiler, or it fails.
    """
    source = [interface.prologue]
    for name, program in programs.items():
        blob = work / f"{name}.bin"
        blob.write_bytes(to_bytes(program))
        source.append(interface.stub.substitute(name=name, path=blob))
    (work / "stubs.c").write_text("\n".join(source), encoding="utf-8")
    flags = [f"-I{path}" for path in includes]
    command = ["gcc", "-O1", "-fPIC", *flags, "-c", "stubs.c", "-o", "stubs.o"]
    if shutil.which(command[0]) is None:
        raise ArtifactError("no C compiler: artifacts need gcc (Debian: apt-get install gcc)")
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ArtifactError(f"the C compiler fails on the artifact's stubs:\n{done.stderr.strip()}")
    return work / "stubs.o"


def publish(library: Path, path: Path) -> None:
    """Move a finished library to where it was asked for; it appears only when complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    shutil.move(str(library), partial)
    partial.replace(path)
