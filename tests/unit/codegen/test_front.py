# SPDX-License-Identifier: Apache-2.0
"""`--ir relay` in the environment of Relax: the command runs itself where Relay is."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from accel.errors import ConfigError
from codegen.choices import add_options
from codegen.compile import main as compile_main
from codegen.front import add_ir_options, check_ir
from codegen.frontend.formats import add_rounding
from codegen.relay import environment
from sim.build import ROOT
from sim.run import main as run

BELOW = (
    "import sys\n"
    "import codegen.compile, sim.run, sim.session, sim.segments, sim.tune, sim.page\n"
    "print([name for name in sys.modules if name.split('.')[0] in ('tvm', 'tvm_ffi')])\n"
)
"""Imports what both fronts share."""


@pytest.mark.parametrize("main", [compile_main, run], ids=["compile", "run"])
def test_without_the_environment_it_says_how_to_make_it(
    main, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environment, "PYTHON", tmp_path / "python")
    assert main(["model.onnx", "--ir", "relay"]) == 2
    error = capsys.readouterr().err
    assert "run make relay" in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("main", "module"),
    [(compile_main, "codegen.compile"), (run, "sim.run")],
    ids=["compile", "run"],
)
def test_the_same_command_runs_there(main, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "PYTHON", Path(sys.executable))
    called = []
    monkeypatch.setattr(subprocess, "call", lambda command: called.append(command) or 1)
    arguments = ["net.relay", "--ir", "relay", "--annotate", "op", "--config", "small"]
    assert main(arguments) == 1
    assert called == [[sys.executable, "-m", module, *arguments]]


def test_relay_modules_need_relay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "net.relay").write_text("")
    assert run([str(tmp_path / "net.relay"), "--backend", "model"]) == 2
    assert "give --ir relay" in capsys.readouterr().err
    assert compile_main([str(tmp_path / "net.relay")]) == 2
    assert "give --ir relay" in capsys.readouterr().err


def test_what_both_fronts_share_imports_no_tvm() -> None:
    """Else `--ir relay` would import one TVM's modules with the other."""
    done = subprocess.run(
        [sys.executable, "-c", BELOW], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"


def test_tvm_is_imported_above_the_neutral_graph_only() -> None:
    allowed = tuple(f"codegen/{name}/" for name in ("frontend", "rewrite", "partition", "relay"))
    others = {"codegen/artifact.py", "accel/tvm_runtime.py"}
    found = {
        str(path.relative_to(ROOT))
        for folder in ("accel", "codegen")
        for path in (ROOT / folder).rglob("*.py")
        if any(
            line.strip().startswith(("import tvm", "from tvm"))
            for line in path.read_text(encoding="utf-8").splitlines()
        )
    }
    assert {name for name in found if not name.startswith(allowed)} <= others


@pytest.mark.parametrize(
    "option", [["--rounding", "double"], ["--match", "exact"], ["--partition", "cost"]]
)
def test_what_only_relax_can_do_is_refused_for_relay(option: list[str]) -> None:
    parser = argparse.ArgumentParser()
    for add in (add_rounding, add_options, add_ir_options):
        add(parser)
    check_ir(parser.parse_args(option))
    check_ir(parser.parse_args(["--ir", "relay"]))
    with pytest.raises(ConfigError, match=f"{option[0]}: goes with --ir relax"):
        check_ir(parser.parse_args([*option, "--ir", "relay"]))
