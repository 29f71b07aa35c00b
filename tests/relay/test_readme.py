# SPDX-License-Identifier: Apache-2.0
"""What codegen/relay/README.md prints and counts is so."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from codegen.relay.compile import compile_relay
from sim.build import ROOT
from tests.relay.readme import README, missing
from tests.relay.running import CONFIG


def test_partitioned_module_is_as_printed(network: Callable[[str], Path]) -> None:
    module = compile_relay(network("digits"), CONFIG).partitioned.module
    assert missing("relay", module.astext(show_meta_data=False)) == []


def test_size_is_as_stated() -> None:
    files = [*(ROOT / "codegen" / "relay").glob("*.py"), ROOT / "sim" / "relay_model.py"]
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files)
    stated = re.search(r"The adapter is ([\d,]+) lines", README)
    assert stated is not None
    assert abs(int(stated[1].replace(",", "")) / lines - 1) < 0.05


def test_files_are_named() -> None:
    files = {path.name for path in (ROOT / "codegen" / "relay").glob("*.py")}
    helpers = {"__init__.py", "compile.py", "environment.py", "expressions.py"}
    assert {name for name in files - helpers if name not in README} == set()
