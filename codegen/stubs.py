# SPDX-License-Identifier: Apache-2.0
"""What every exported library contains: a C stub per program, with the program's bytes beside it.

A stub hands its program, as a tensor of bytes, and the tensors that it is called with to
`tessera.run` (accel/tvm_runtime.py). The programs are included as they are (`.incbin`), so that big
weights cost the compiler nothing. How a stub is called and calls depends on TVM's C interface:
artifact.py has it for Relax, relay/artifact.py for Relay.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

from accel.errors import ArtifactError
from accel.program import Program, to_bytes
from accel.tvm_runtime import SYMBOL

MOST_TENSORS = 64

_PROLOGUE = Template(
    """\
#include <string.h>
#include <${header}>
#define SYMBOL "${symbol}"
#define NO_DRIVER "no driver: import accel.tvm_runtime and run the artifact inside bind(...)"
#define MOST_TENSORS ${most}
typedef struct {
  DLTensor tensor;
  int64_t size, stride;
} Bytes;
static DLTensor* wrap(Bytes* bytes, const unsigned char* begin, const unsigned char* end) {
  memset(bytes, 0, sizeof *bytes);
  bytes->size = end - begin;
  bytes->stride = 1;
  bytes->tensor.data = (void*)begin;
  bytes->tensor.device.device_type = kDLCPU;
  bytes->tensor.ndim = 1;
  bytes->tensor.dtype.code = kDLUInt;
  bytes->tensor.dtype.bits = 8;
  bytes->tensor.dtype.lanes = 1;
  bytes->tensor.shape = &bytes->size;
  bytes->tensor.strides = &bytes->stride;
  return &bytes->tensor;
}
"""
)

_PROGRAM = Template(
    """\
__asm__(".section .rodata\\n.balign 64\\n${name}_program:\\n.incbin \\"${path}\\"\\n"
        "${name}_program_end:\\n.previous\\n");
extern const unsigned char ${name}_program[], ${name}_program_end[];
static DLTensor* ${name}_bytes(Bytes* bytes) {
  return wrap(bytes, ${name}_program, ${name}_program_end);
}
"""
)


@dataclass(frozen=True, slots=True)
class Interface:
    """TVM's C interface."""

    header: str
    """Declares it, and DLTensor."""
    call: str
    """Defines `call`: it looks SYMBOL up, refuses with NO_DRIVER where there is none or where there
    are MOST_TENSORS arguments, and calls it with a DLTensor before the arguments."""
    stub: Template
    """The function of the program `$name`: it makes the tensor by `$name_bytes`, and calls."""


def compile_stubs(
    interface: Interface, programs: Mapping[str, Program], includes: Iterable[str], work: Path
) -> Path:
    """Compile stubs and programs to one object file in the folder `work`.

    Raises:
        ArtifactError: no C compiler, or it fails.
    """
    prologue = _PROLOGUE.substitute(header=interface.header, symbol=SYMBOL, most=MOST_TENSORS)
    source = [prologue, interface.call]
    for name, program in programs.items():
        blob = work / f"{name}.bin"
        blob.write_bytes(to_bytes(program))
        source.append(_PROGRAM.substitute(name=name, path=blob))
        source.append(interface.stub.substitute(name=name))
    (work / "stubs.c").write_text("\n".join(source), encoding="utf-8")
    flags = [f"-I{path}" for path in includes]
    command = ["gcc", "-O1", "-fPIC", *flags, "-c", "stubs.c", "-o", "stubs.o"]
    if shutil.which(command[0]) is None:
        raise ArtifactError("no C compiler: artifacts need gcc (Debian: apt-get install gcc)")
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ArtifactError(f"the C compiler fails on the artifact's stubs:\n{done.stderr.strip()}")
    return work / "stubs.o"


@contextlib.contextmanager
def publishing(path: Path) -> Iterator[Path]:
    """Give a file to write, in a temporary folder to work in; complete, it becomes `path`."""
    with tempfile.TemporaryDirectory(prefix="tessera-") as work:
        library = Path(work) / "library.so"
        yield library
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(path.name + ".partial")
        shutil.move(str(library), partial)
        partial.replace(path)
