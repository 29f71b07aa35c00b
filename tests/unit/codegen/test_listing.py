# SPDX-License-Identifier: Apache-2.0
"""The listing is the stream: what a person reads is what the driver writes."""

from __future__ import annotations

import re

import numpy as np

from accel.codec import assemble, encode, mmio_writes
from accel.isa import COMMAND_WORDS
from accel.program import Program
from codegen import ir
from codegen.listing import listing
from codegen.pipeline import lower
from tests.unit.codegen.graphs import CRAMPED, Builder


def program() -> Program:
    builder = Builder()
    x = builder.input((1, 6, 6, 20), 3)
    y = builder.conv(x, 24, ir.Window2d((3, 3)), tail=ir.Tail(-7))
    builder.pool(y, ir.PoolKind.AVERAGE, ir.Window2d((4, 4)))
    return lower(builder.graph(), CRAMPED)


def test_every_write_is_listed_in_order() -> None:
    it = program()
    writes = re.findall(r"^0x([0-9a-f]+) 0x([0-9a-f]{8}) ", listing(it), re.MULTILINE)
    assert [(int(offset, 16), int(value, 16)) for offset, value in writes] == [
        write for words in it.words for write in mmio_writes(words)
    ]


def test_comments_assemble_to_the_same_commands() -> None:
    it = program()
    comments = re.findall(r"^# (#.*)$", listing(it), re.MULTILINE)
    assert np.array_equal(np.stack([encode(assemble(text)) for text in comments]), it.words)


def test_every_write_names_its_node() -> None:
    it = program()
    nodes = re.findall(r"^0x.* ; (.*)$", listing(it), re.MULTILINE)
    expected = []
    for layer in it.layer_of:
        op = it.layers[layer]
        text = f"{op.kind} {op.name}, ONNX {op.node}" if layer >= 0 else "end of stream"
        expected += [text] * COMMAND_WORDS
    assert nodes == expected
    assert {"conv conv0, ONNX Node_0", "pool average1, ONNX Node_1"} < set(nodes)


def test_a_value_stands_where_its_field_begins() -> None:
    text = listing(program())
    (end,) = re.findall(r"^0x1000 .*?opcode=1 id=(\d+)", text, re.MULTILINE)
    assert int(end) == len(program().words) - 1
    assert re.search(r"^0x1004 .*  wait_load=\d+ wait_conv=\d+ ", text, re.MULTILINE)
