# SPDX-License-Identifier: Apache-2.0
"""Rules of the tree that no single module can keep."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from sim.build import ROOT, RTL, rtl_files
from sim.lint import Job, jobs_for, lint

SPDX = "SPDX-License-Identifier: Apache-2.0"
PYTHON = sorted(
    path
    for folder in ("accel", "codegen", "sim", "models", "tests")
    for path in (ROOT / folder).rglob("*.py")
)
OWN_RTL = sorted(path for path in RTL.rglob("*.sv") if path.parent.name != "gen")


def test_file_list_names_every_rtl_file_once() -> None:
    listed = rtl_files(RTL)
    assert len(listed) == len(set(listed))
    assert set(listed) == set(RTL.rglob("*.sv"))


@pytest.mark.parametrize("path", OWN_RTL, ids=lambda path: path.stem)
def test_rtl_file_form(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"// {SPDX}\n")
    assert text.count("`default_nettype none") == 1
    assert text.rstrip().endswith("`default_nettype wire")
    declared = re.findall(r"^(?:module|package) (\w+)", text, re.MULTILINE)
    assert declared == [path.stem], "one module a file, named like it"


def test_python_files_name_their_licence() -> None:
    missing = [
        p for p in PYTHON if p.stat().st_size and SPDX not in p.read_text(encoding="utf-8")[:200]
    ]
    assert missing == []


def test_modules_import_their_units_by_file_list_order() -> None:
    """A module comes after the packages and modules it uses."""
    seen: set[str] = set()
    names = {path.stem for path in rtl_files(RTL)}
    for path in rtl_files(RTL):
        text = re.sub(r"//.*", "", path.read_text(encoding="utf-8"))
        used = {word for word in re.findall(r"\btessera_\w+", text) if word in names} - {path.stem}
        assert used <= seen, f"{path.stem} comes before {sorted(used - seen)}"
        seen.add(path.stem)


def test_lint_covers_every_own_module() -> None:
    modules = {job.module for job in jobs_for(RTL)}
    assert modules == {p.stem for p in OWN_RTL if not p.stem.endswith("_pkg")}


def test_lint_finds_a_dropped_carry(tmp_path: Path) -> None:
    rtl = tmp_path / "rtl"
    shutil.copytree(RTL, rtl)
    file = rtl / "common" / "tessera_fifo.sv"
    text = file.read_text(encoding="utf-8")
    broken = text.replace("count_q <= (IndexBits + 1)'(Depth)", "count_q <= Depth")
    assert broken != text
    file.write_text(broken, encoding="utf-8")
    messages = lint(Job("fifo", "tessera_fifo"), rtl)
    assert any("WIDTH" in message for message in messages), messages
