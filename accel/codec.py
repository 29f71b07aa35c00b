# SPDX-License-Identifier: Apache-2.0
"""Encode, decode, print and parse commands; generic over the table in `accel/isa.py`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accel.errors import EncodeError
from accel.isa import (
    BY_NAME,
    BY_OPCODE,
    COMMAND_WORDS,
    HEADER,
    PUSH_WINDOW,
    WORD_BITS,
    Command,
    Field,
)

Words = npt.NDArray[np.uint32]
OPTIONAL = ("id", "wait_load", "wait_conv", "wait_vector", "wait_store")
"""Header fields that default to 0."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """A command with its field values; the opcode is implied by the name."""

    name: str
    values: Mapping[str, int]


def layout(command: Command) -> Iterator[tuple[Field, int]]:
    """Yield each field with the position of its lowest bit."""
    position = 0
    for field in (*HEADER, *command.fields):
        yield field, position
        position += field.bits


def encode(instruction: Instruction) -> Words:
    """Encode to [COMMAND_WORDS] uint32.

    Raises:
        EncodeError: unknown command, unknown or missing field, value out of range.
    """
    command = BY_NAME.get(instruction.name)
    if command is None:
        raise EncodeError(f"no command {instruction.name}; there are {', '.join(BY_NAME)}")
    values = dict.fromkeys(OPTIONAL, 0) | dict(instruction.values) | {"opcode": command.opcode}
    names = {field.name for field, _ in layout(command)}
    if names != set(values):
        unknown, missing = sorted(set(values) - names), sorted(names - set(values))
        raise EncodeError(f"{command.name}: unknown fields {unknown}, missing fields {missing}")
    word = 0
    for field, position in layout(command):
        value = int(values[field.name])
        low, high = field.range
        if not low <= value <= high:
            raise EncodeError(f"{command.name}.{field.name} = {value} is outside [{low}, {high}]")
        word |= (value & (1 << field.bits) - 1) << position
    return np.frombuffer(word.to_bytes(4 * COMMAND_WORDS, "little"), "<u4").astype(np.uint32)


def decode(words: Words) -> Instruction:
    """Decode [COMMAND_WORDS] uint32; the inverse of `encode`.

    Raises:
        EncodeError: no command has this opcode.
    """
    word = int.from_bytes(np.ascontiguousarray(words, "<u4").tobytes(), "little")
    opcode = word & (1 << HEADER[0].bits) - 1
    command = BY_OPCODE.get(opcode)
    if command is None:
        raise EncodeError(f"no command has opcode {opcode}")
    values = {}
    for field, position in layout(command):
        raw = word >> position & (1 << field.bits) - 1
        if field.signed and raw >> field.bits - 1:
            raw -= 1 << field.bits
        if field.name != "opcode":
            values[field.name] = raw
    return Instruction(command.name, values)


def disassemble(instruction: Instruction) -> str:
    """One line: `#12 CONV wait(load=3,conv=2) in_addr=0x400 ...`; `assemble` reads it back."""
    values = dict(instruction.values)
    waits = {name: values.pop(name, 0) for name in OPTIONAL[1:]}
    tokens = ",".join(f"{name[5:]}={count}" for name, count in waits.items() if count)
    parts = [f"#{values.pop('id', 0)}", instruction.name, f"wait({tokens})"]
    units = {field.name: field.unit for field in BY_NAME[instruction.name].fields}
    for name, value in values.items():
        is_place = units[name] == "bytes" and name.endswith(("addr", "offset"))
        parts.append(f"{name}={value:#x}" if is_place else f"{name}={value}")
    return " ".join(parts)


def assemble(text: str) -> Instruction:
    """Read what `disassemble` wrote.

    Raises:
        EncodeError: not such a line.
    """
    match = re.fullmatch(r"#(\d+) (\w+) wait\(([^)]*)\)((?: \w+=\S+)*)", text.strip())
    if match is None:
        raise EncodeError(f"not a command: {text!r}")
    number, name, tokens, rest = match.groups()
    values = {"id": int(number)} | dict.fromkeys(OPTIONAL[1:], 0)
    try:
        for token in filter(None, tokens.split(",")):
            unit, count = token.split("=")
            values[f"wait_{unit}"] = int(count)
        for pair in rest.split():
            key, value = pair.split("=")
            values[key] = int(value, 0)
    except ValueError:
        raise EncodeError(f"not a command: {text!r}") from None
    instruction = Instruction(name, values)
    encode(instruction)
    return instruction


def mmio_writes(words: Words) -> Iterator[tuple[int, int]]:
    """(register offset, value) of each write that pushes one command."""
    for index, word in enumerate(words.tolist()):
        yield PUSH_WINDOW + index * WORD_BITS // 8, word


def mmio_block(commands: Sequence[Words] | Words) -> npt.NDArray[np.uint32]:
    """`mmio_writes` of all commands in one array, [n, 2] of offset and value."""
    words = np.asarray(commands, np.uint32).reshape(-1, COMMAND_WORDS)
    offsets = PUSH_WINDOW + np.arange(COMMAND_WORDS, dtype=np.uint32) * np.uint32(WORD_BITS // 8)
    return np.stack([np.broadcast_to(offsets, words.shape), words], axis=-1).reshape(-1, 2)
