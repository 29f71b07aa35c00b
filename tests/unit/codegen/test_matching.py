# SPDX-License-Identifier: Apache-2.0
"""Flexible matching never loses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import codegen.rewrite.rewrite as rewriting
from accel.config import AccelConfig
from codegen.choices import EXACT, FLEXIBLE
from codegen.frontend.onnx_import import import_onnx
from codegen.matching import Coverage, match_model
from tests.e2e.island_models import unfolded_norm_net

CONFIG = AccelConfig()


def test_macs_count_first_then_host_calls_then_regions() -> None:
    base = Coverage(ops=4, macs=100, regions=2, host_calls=5)
    assert replace(base, macs=101, host_calls=9).beats(base)
    assert not replace(base, macs=99, host_calls=0).beats(base)
    assert replace(base, host_calls=4, regions=3).beats(base)
    assert replace(base, regions=1).beats(base)
    assert not base.beats(base)


def test_a_form_that_brings_less_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = import_onnx(unfolded_norm_net().save(tmp_path / "net.onnx"))
    assert match_model(model, CONFIG).how == FLEXIBLE
    folded = replace(model, module=rewriting.rewrite(model.module))
    monkeypatch.setattr(rewriting, "rewrite", lambda *_: model.module)
    assert match_model(folded, CONFIG).how == EXACT
