# SPDX-License-Identifier: Apache-2.0
"""Without PyTorch, its models are refused with a way out; tests/torch has the rest."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sim.run import main


def test_what_to_install_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    path = tmp_path / "net.pt2"
    path.write_bytes(b"")
    assert main([str(path), "--backend", "model"]) == 2
    message = capsys.readouterr().err
    assert "PyTorch is not installed; install it with `make torch`" in message
