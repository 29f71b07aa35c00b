# SPDX-License-Identifier: Apache-2.0
"""The Relax listing in codegen/relay/README.md; the Relay one is tested where Relay is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from accel.config import AccelConfig
from codegen.compile import compile_model
from tests.relay.readme import missing


def test_partitioned_module_is_as_printed(network: Callable[[str], Path]) -> None:
    module = compile_model(network("digits"), AccelConfig()).partitioned.module
    assert missing("relax", module.script(show_meta=False)) == []
