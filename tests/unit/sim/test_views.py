# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import numpy as np

from accel.codec import Instruction, encode
from accel.program import Layer, Program
from sim.views import groups, write_views


def program() -> Program:
    """A stream of one END, charged to no layer, behind one that belongs to a layer."""
    words = np.stack([encode(Instruction("END", {"id": index})) for index in range(2)])
    return Program(
        name="region",
        config_digest="",
        words=words,
        layer_of=(0, -1),
        layers=(Layer("conv_0", "conv", "Conv_a", 1),),
        constants=np.zeros(0, np.uint8),
        inputs=(),
        outputs=(),
        input_bytes=0,
        output_bytes=0,
        scratch_bytes=0,
    )


def test_views_list_every_signal_and_translate_ids(tmp_path: Path) -> None:
    waves = tmp_path / "a.fst"
    gtkwave, table, surfer = write_views(waves, [program()])
    assert table.read_text().splitlines() == ["000000 0 END conv_0", "000001 1 END"]
    lines = gtkwave.read_text().splitlines()
    assert lines[0] == f'[dumpfile] "{waves}"'
    for _, signals in groups():
        for signal in signals:
            suffix = "" if signal.bits == 1 else f"[{signal.bits - 1}:0]"
            at = lines.index(signal.path + suffix)
            assert (lines[at - 1] == f"^1 {table}") == signal.is_id
            assert f"variable_add {signal.path}" in surfer.read_text().splitlines()


def test_regions_that_share_ids_are_told_apart(tmp_path: Path) -> None:
    other = program()
    renamed = Program(
        **{name: getattr(other, name) for name in Program.__slots__ if name != "layers"},
        layers=(Layer("pool_7", "pool", "Pool", 0),),
    )
    _, table, _ = write_views(tmp_path / "a.fst", [program(), renamed])
    assert "000000 0 END conv_0 | 0 END pool_7" in table.read_text()
