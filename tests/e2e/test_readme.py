# SPDX-License-Identifier: Apache-2.0
"""The README's commands work as printed."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sim.build import ROOT

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line
    for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    for line in block.splitlines()
    if line
]


@pytest.mark.parametrize("command", COMMANDS)
def test_command(network: Callable[[str], Path], command: str) -> None:
    for name in {"digits", *re.findall(r"build/models/(\w+)\.onnx", command)}:
        network(name)
    if "digits.so" in command and "--emit" not in command:
        emit = next(c for c in COMMANDS if "--emit lib" in c)
        subprocess.run([sys.executable, *emit.split()[1:]], cwd=ROOT, check=True)
    interpreter, *arguments = command.split()
    assert interpreter == ".venv/bin/python"
    subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, capture_output=True)


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"(?:^    |`|\$ )make ([a-z]+)", TEXT, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_links_and_paths_exist() -> None:
    for path in re.findall(r"\]\(([^)]+)\)", TEXT):
        assert (ROOT / path.partition("#")[0]).exists(), path
    for path in re.findall(r"`((?:accel|rtl|codegen|sim|models|tests)/[\w./]*)`", TEXT):
        assert (ROOT / path.partition("#")[0]).exists(), path
