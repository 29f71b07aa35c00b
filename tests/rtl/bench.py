# SPDX-License-Identifier: Apache-2.0
"""Runs cocotb tests of one RTL module under pytest.

A test file holds both sides: pytest functions that call `run_cocotb`, and `@cocotb.test()`
coroutines, which run in the simulator (do not let their names start with `test`).

Builds are cached by content in build/rtl/<key>/, with the RTL's assertions on: the first that fails
ends the simulation and so the test.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner

from sim.build import (
    ROOT,
    RTL,
    build_error,
    cocotb_parts,
    locked,
    rtl_files,
    runtime_sources,
)
from sim.compile_cpp import Unit, compile_and_link
from sim.toolchain import cpu_key, find_compiler, find_verilator

CACHE = ROOT / "build" / "rtl"
TRANSLATE = ("--cc", "--prefix", "Vtop", "--vpi", "--assert", "--public-depth", "1", "-O3")
FLAGS = ("-std=c++20", "-fPIC", "-w")
OPTIMIZE = "-O1"


def run_cocotb(
    toplevel: str,
    test_module: str,
    parameters: Mapping[str, int] | None = None,
    *,
    sources: Sequence[Path] = (),
    seed: int = 1,
    testcase: str | None = None,
) -> None:
    """Run the cocotb tests of a Python module on a module of the RTL.

    Args:
        toplevel: module under test, or a wrapper in `sources`.
        test_module: importable name of the module with the cocotb tests; a test file's `__name__`.
        parameters: of `toplevel`; the tests find them as handles `dut.Name`.
        sources: SystemVerilog files beside those of `rtl/tessera.f`.
        seed: of Python's `random` in the simulation.
        testcase: only this coroutine; all by default.

    Raises:
        BuildError: Verilator or the compiler failed.
        AssertionError: a test failed, or the simulation ended early; quotes the log's end.
    """
    executable = _build(toplevel, parameters or {}, sources)
    run = Path(tempfile.mkdtemp(prefix="run.", dir=executable.parent))
    runner = get_runner("verilator")
    try:
        results = runner.test(
            hdl_toplevel=toplevel,
            hdl_toplevel_lang="verilog",
            test_module=test_module,
            build_dir=executable.parent,
            test_dir=run,
            results_xml=str(run / "results.xml"),
            log_file=run / "log",
            seed=seed,
            testcase=testcase,
        )
        total, failed = get_results(results)
        assert total > 0, f"{test_module} has no cocotb test"
        assert not failed, f"{failed} of {total} failed in {test_module}, seed {seed}"
    except (AssertionError, RuntimeError, SystemExit, subprocess.CalledProcessError) as error:
        log = (run / "log").read_text(encoding="utf-8", errors="replace").splitlines()
        raise AssertionError("\n".join([f"{error}; {run}/log ends:", *log[-40:]])) from None
    shutil.rmtree(run)


def _build(toplevel: str, parameters: Mapping[str, int], sources: Sequence[Path]) -> Path:
    """The simulation's executable, from the cache or built."""
    verilator, compiler = find_verilator(), find_compiler()
    files = [*rtl_files(RTL), *sources]
    digest = hashlib.sha256()
    for path in [*files, *sorted((RTL / "common").glob("*.svh"))]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    facts = (toplevel, sorted(parameters.items()), TRANSLATE, FLAGS, OPTIMIZE)
    digest.update(repr((facts, verilator.version, compiler.version, cpu_key())).encode())
    directory = CACHE / f"{toplevel}-{digest.hexdigest()[:16]}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with locked(CACHE / f"{directory.name}.lock"):
        if not (directory / toplevel).exists():
            _compile(toplevel, parameters, files, directory)
    return directory / toplevel


def _compile(
    toplevel: str, parameters: Mapping[str, int], files: Sequence[Path], directory: Path
) -> None:
    log = CACHE / f"{directory.name}.log"
    work = Path(tempfile.mkdtemp(prefix=f"{directory.name}.", dir=CACHE))
    command = [str(find_verilator().executable), *TRANSLATE, "-Wno-fatal", "-Mdir", str(work)]
    command += ["--top-module", toplevel, *(f"-G{k}={v}" for k, v in parameters.items())]
    command += [f"-I{RTL / 'common'}", *map(str, files)]
    environment = {k: v for k, v in os.environ.items() if k != "VERILATOR_ROOT"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        log.write_text(" ".join(command) + "\n" + done.stdout + done.stderr, encoding="utf-8")
        if done.returncode:
            raise build_error("Verilator refuses the bench", done.stderr, "%Error", log)
        main, link = cocotb_parts()
        include = find_verilator().include
        # One translation unit: most of the time goes into reading Verilator's headers.
        parts = [*sorted(work.glob("*.cpp")), main.source]
        everything = work / "everything.cc"
        everything.write_text("".join(f'#include "{path}"\n' for path in parts), encoding="utf-8")
        units = [Unit(everything, OPTIMIZE)]
        units += [
            Unit(include / f"{name}.cpp", OPTIMIZE, shared=True) for name in runtime_sources(work)
        ]
        flags = [
            *FLAGS, *(f"-I{path}" for path in (work, include, include / "vltstd")),
            "-DVERILATOR=1", "-DVM_COVERAGE=0", "-DVM_SC=0", "-DVM_TIMING=0", "-DVM_TRACE=0",
            "-DVM_TRACE_FST=0", "-DVM_TRACE_VCD=0", "-DVM_TRACE_SAIF=0",
        ]  # fmt: skip
        compile_and_link(
            find_compiler(),
            units,
            work / toplevel,
            flags=flags,
            link=link,
            log=log,
            shared=CACHE / "objects",
            report=lambda _text: None,
        )
        directory.mkdir(exist_ok=True)
        (work / toplevel).rename(directory / toplevel)
    finally:
        shutil.rmtree(work, ignore_errors=True)
