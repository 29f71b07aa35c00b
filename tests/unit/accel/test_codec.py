# SPDX-License-Identifier: Apache-2.0
"""Commands survive encoding, decoding, printing and parsing; nothing is masked to fit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accel.codec import (
    Instruction,
    assemble,
    decode,
    disassemble,
    encode,
    layout,
    mmio_block,
    mmio_writes,
)
from accel.errors import EncodeError
from accel.isa import BY_NAME, COMMAND_BITS, COMMAND_WORDS, COMMANDS, HEADER, PUSH_WINDOW


@st.composite
def instructions(draw: st.DrawFn) -> Instruction:
    command = draw(st.sampled_from(COMMANDS))
    fields = [f for f in (*HEADER, *command.fields) if f.name != "opcode"]
    return Instruction(
        command.name,
        {f.name: draw(st.integers(*f.range)) for f in fields},
    )


@given(instructions())
def test_decode_inverts_encode(instruction: Instruction) -> None:
    assert decode(encode(instruction)) == instruction


@given(instructions())
def test_assemble_inverts_disassemble(instruction: Instruction) -> None:
    assert assemble(disassemble(instruction)) == instruction


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.name)
def test_fields_fit_a_command_without_overlap(command) -> None:
    bits = [position + i for field, position in layout(command) for i in range(field.bits)]
    assert len(bits) == len(set(bits))
    assert max(bits) < COMMAND_BITS


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.name)
def test_out_of_range_is_refused_by_name(command) -> None:
    zero = {f.name: 0 for f in command.fields}
    for field in command.fields:
        for value in (field.range[0] - 1, field.range[1] + 1):
            with pytest.raises(
                EncodeError, match=rf"{command.name}\.{field.name} = {value} is outside"
            ):
                encode(Instruction(command.name, zero | {field.name: value}))


def test_missing_and_unknown_fields_are_named() -> None:
    with pytest.raises(
        EncodeError, match=r"LOAD: unknown fields \['speed'\], missing fields \['offset'"
    ):
        encode(Instruction("LOAD", {"speed": 1}))
    with pytest.raises(EncodeError, match="no command JUMP; there are END, LOAD"):
        encode(Instruction("JUMP", {}))


def test_unknown_opcode_is_refused() -> None:
    with pytest.raises(EncodeError, match="no command has opcode 0"):
        decode(np.zeros(COMMAND_WORDS, np.uint32))


@pytest.mark.parametrize(
    "text",
    ["", "LOAD", "#1 LOAD wait() sram=x", "#1 LOAD wait(load) sram=1", "#1 NOPE wait()"],
)
def test_text_that_is_no_command_is_refused(text: str) -> None:
    with pytest.raises(EncodeError):
        assemble(text)


def test_words_are_written_in_order_the_last_one_pushes() -> None:
    words = encode(Instruction("END", {"id": 7}))
    writes = list(mmio_writes(words))
    assert mmio_block([words, words]).tolist() == [list(write) for write in 2 * writes]
    assert [offset for offset, _ in writes] == [PUSH_WINDOW + 4 * i for i in range(COMMAND_WORDS)]
    assert [value for _, value in writes] == words.tolist()
    assert writes[0][1] & 0xFF == BY_NAME["END"].opcode
