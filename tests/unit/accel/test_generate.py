# SPDX-License-Identifier: Apache-2.0
"""Generated files are what their sources say, and every command has a meaning."""

import pytest

from accel.generate import ROOT, generate
from accel.isa import ARRAY_CYCLE_DOC, CAUSE_DOC, COMMANDS, ArrayCycle, Cause
from accel.model.machine import SEMANTICS

FILES = generate()


@pytest.mark.parametrize("path", FILES, ids=str)
def test_committed_files_are_fresh(path) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == FILES[path], "run `make gen`"


def test_every_command_has_semantics() -> None:
    assert {command.name for command in COMMANDS} - {"END"} == set(SEMANTICS)


def test_every_cause_and_array_state_is_documented() -> None:
    assert set(CAUSE_DOC) == set(Cause)
    assert set(ARRAY_CYCLE_DOC) == set(ArrayCycle)
