# SPDX-License-Identifier: Apache-2.0
"""Build the simulator: Verilated RTL and testbench, cached by content.

    build/sim/<key>/libtessera.so   kind LIBRARY: for ctypes, clocked by sim/bench/capi.cpp
    build/sim/<key>/tessera         kind COCOTB: an executable that cocotb's VPI library drives

The key covers RTL, bench, configuration, variant, tools, flags and the CPU (code is native).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path

from accel.config import AccelConfig
from accel.errors import BuildError
from sim.compile_cpp import Unit, compile_and_link
from sim.toolchain import Compiler, Verilator, cpu_key, find_compiler, find_verilator

ROOT = Path(__file__).resolve().parent.parent
RTL = ROOT / "rtl"
BENCH = Path(__file__).resolve().parent / "bench"
CACHE = ROOT / "build" / "sim"

Report = Callable[[str], None]
"""Takes a line that says what is going on."""


def silent(_text: str) -> None:
    """Report nothing."""


class Kind(Enum):
    """What is built."""

    LIBRARY = "lib"
    COCOTB = "cocotb"


@dataclass(frozen=True, slots=True)
class Variant:
    """A simulator build of a configuration."""

    kind: Kind
    trace: bool = False
    """Able to write waves (costs build time and a little speed)."""
    checks: bool = False
    """With the RTL's assertions; the first that fails ends the run."""


KIND_SOURCES = {Kind.LIBRARY: "capi.cpp", Kind.COCOTB: "cocotb_waves.cpp"}
"""Of the bench's C++ files the one that only this kind has."""
OUTPUT = {Kind.LIBRARY: "libtessera.so", Kind.COCOTB: "tessera"}
TRANSLATE = ("--cc", "--prefix", "Vtop", "--top-module", "tb_top", "-Wno-fatal")
OPTIMIZE = ("-O3", "--x-assign", "fast", "--x-initial", "fast", "--output-split", "20000")
COMMON_FLAGS = ("-std=c++20", "-fPIC", "-march=native", "-w")
FAST, SLOW = "-O3", "-O1"
LIBRARY_LINK = ("-shared", "-pthread", "-Wl,-Bsymbolic")


def build(
    config: AccelConfig,
    variant: Variant,
    *,
    rtl: Path = RTL,
    cache: Path = CACHE,
    report: Report = silent,
) -> Path:
    """Return the simulator for a configuration, building it when the cache has none.

    Args:
        config: parameters of `tessera_top`.
        variant: what to build.
        rtl: the RTL tree (its `tessera.f` lists the files).
        cache: where builds are kept.
        report: told what happens.

    Raises:
        BuildError: Verilator or the compiler failed, or there is none; first errors and the log.
    """
    verilator, compiler = find_verilator(), find_compiler()
    key = _key(config, variant, rtl, verilator, compiler)
    result = cache / key / OUTPUT[variant.kind]
    if result.exists():
        return result
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache / f"{key}.lock"):
        if not result.exists():
            _build(config, variant, rtl, result, report)
    return result


def rtl_files(rtl: Path) -> list[Path]:
    """The RTL sources in order, from `tessera.f`.

    Raises:
        BuildError: the list names a file that does not exist.
    """
    lines = (rtl / "tessera.f").read_text(encoding="utf-8").splitlines()
    files = [rtl / name for line in lines if (name := line.split("//")[0].strip())]
    for file in files:
        if not file.is_file():
            raise BuildError(f"{rtl / 'tessera.f'} names {file}, which does not exist")
    return files


def parameters(config: AccelConfig) -> dict[str, int]:
    """The configuration as parameters of `tessera_top` and `tb_top`."""
    return {
        "".join(word.capitalize() for word in name.split("_")): int(value)
        for name, value in asdict(config).items()
    }


def _key(
    config: AccelConfig,
    variant: Variant,
    rtl: Path,
    verilator: Verilator,
    compiler: Compiler,
) -> str:
    bench = sorted(path for path in BENCH.rglob("*") if path.suffix in (".sv", ".cpp", ".h"))
    digest = hashlib.sha256()
    for path in [*rtl_files(rtl), *sorted((rtl / "common").glob("*.svh")), *bench]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    facts = (
        parameters(config),
        variant,
        TRANSLATE,
        OPTIMIZE,
        COMMON_FLAGS,
        FAST,
        SLOW,
        LIBRARY_LINK,
        verilator.version,
        compiler,
        cpu_key(),
    )
    digest.update(repr(facts).encode())
    return f"{variant.kind.value}-{digest.hexdigest()[:16]}"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock between processes, named by a file."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _build(config: AccelConfig, variant: Variant, rtl: Path, result: Path, report: Report) -> None:
    key = result.parent.name
    what = f"{config.k_lanes} x {config.n_lanes} {variant.kind.value} simulator"
    log = result.parent.parent / f"{key}.log"
    work = Path(tempfile.mkdtemp(prefix=f"{key}.", dir=result.parent.parent))
    try:
        report(f"{what}: Verilator translates the RTL")
        _verilate(config, variant, rtl, work, log)
        units, flags, link = _plan(variant, work)
        compile_and_link(
            find_compiler(),
            units,
            work / result.name,
            flags=flags,
            link=link,
            log=log,
            shared=result.parent.parent / "objects",
            report=lambda text: report(f"{what}: {text}"),
        )
        for path in work.iterdir():
            if path.name != result.name:
                path.unlink() if path.is_file() else shutil.rmtree(path)
        work.rename(result.parent)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _verilate(config: AccelConfig, variant: Variant, rtl: Path, work: Path, log: Path) -> None:
    command = [str(find_verilator().executable), *TRANSLATE, *OPTIMIZE, "-Mdir", str(work)]
    command += ["--assert"] if variant.checks else ["--no-assert", "+define+ASSERTS_OFF"]
    command += ["--trace-fst", "--trace-structs"] if variant.trace else []
    command += ["--vpi"] if variant.kind is Kind.COCOTB else []
    command += [f"-G{name}={value}" for name, value in parameters(config).items()]
    command += [f"-I{rtl / 'common'}", *map(str, rtl_files(rtl)), str(BENCH / "tb_top.sv")]
    environment = {k: v for k, v in os.environ.items() if k != "VERILATOR_ROOT"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    log.write_text(" ".join(command) + "\n" + done.stdout + done.stderr, encoding="utf-8")
    if done.returncode:
        raise build_error("Verilator refuses the RTL", done.stderr, "%Error", log)


def _plan(variant: Variant, work: Path) -> tuple[list[Unit], list[str], list[str]]:
    """Sources, compiler flags and linker flags."""
    include = find_verilator().include
    traced = int(variant.trace)
    other = {name for kind, name in KIND_SOURCES.items() if kind is not variant.kind}
    bench = [path for path in sorted(BENCH.glob("*.cpp")) if path.name not in other]
    units = _joined(work, bench)
    units += [Unit(include / f"{name}.cpp", FAST, shared=True) for name in runtime_sources(work)]
    flags = [
        *COMMON_FLAGS,
        *(f"-I{path}" for path in (work, BENCH, BENCH / "compat", include, include / "vltstd")),
        "-DVERILATOR=1", "-DVM_COVERAGE=0", "-DVM_SC=0", "-DVM_TIMING=0", "-DVM_TRACE_VCD=0",
        "-DVM_TRACE_SAIF=0", f"-DVM_TRACE={traced}", f"-DVM_TRACE_FST={traced}",
    ]  # fmt: skip
    if variant.kind is Kind.LIBRARY:
        return units, flags, list(LIBRARY_LINK)
    main, cocotb_link = cocotb_parts()
    return [*units, main], flags, cocotb_link


def _joined(work: Path, bench: Sequence[Path]) -> list[Unit]:
    """The generated files and the bench as a few translation units.

    Most of their time would go into reading Verilator's headers; and what runs in every cycle is
    inlined when the compiler sees all of it at once.
    """
    generated = sorted(work.glob("*.cpp"))
    slow = [path for path in generated if "Slow" in path.name]
    trace = [path for path in generated if "Trace" in path.name and path not in slow]
    fast = [path for path in generated if path not in slow and path not in trace]
    units = []
    for name, paths, optimize in (
        ("fast", [*fast, *bench], FAST),
        ("trace", trace, FAST),
        ("slow", slow, SLOW),
    ):
        source = work / f"joined_{name}.cc"
        source.write_text("".join(f'#include "{path}"\n' for path in paths), encoding="utf-8")
        units += [Unit(source, optimize, inline=name == "fast")] if paths else []
    return units


def cocotb_parts() -> tuple[Unit, list[str]]:
    """What makes an executable a cocotb simulation: its main program and its linker flags."""
    from cocotb_tools import config as cocotb

    libraries = str(cocotb.libs_dir)
    link = [
        "-pthread",
        "-rdynamic",
        f"-Wl,-rpath,{libraries}",
        f"-L{libraries}",
        "-lcocotbvpi_verilator",
    ]
    return Unit(Path(cocotb.share_dir) / "lib/verilator/verilator.cpp", FAST), link


def runtime_sources(work: Path) -> list[str]:
    """Parts of Verilator's run-time library that the generated makefile asks for."""
    text = (work / "Vtop_classes.mk").read_text(encoding="utf-8")
    _, _, rest = text.partition("VM_GLOBAL_FAST += \\\n")
    names = []
    for line in rest.splitlines():
        if not line.strip().endswith("\\"):
            break
        names.append(line.strip().rstrip("\\").strip())
    return names


def build_error(what: str, output: str, marker: str, log: Path) -> BuildError:
    """Make the error that quotes the first lines of a tool's output that matter."""
    lines = output.splitlines()
    first = next((i for i, line in enumerate(lines) if marker in line), 0)
    quote = "\n".join(f"  {line}" for line in lines[first : first + 4])
    return BuildError(f"{what}:\n{quote}\nFull log: {log}")
