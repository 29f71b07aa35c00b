# SPDX-License-Identifier: Apache-2.0
"""The command stream as text: every MMIO write, what it means, and for which ONNX node."""

from __future__ import annotations

from collections.abc import Iterator

from accel.codec import decode, disassemble, layout, mmio_writes
from accel.isa import BY_NAME, WORD_BITS
from accel.program import Program


def listing(program: Program) -> str:
    """List a program.

    Each command is a comment line with its decoded text, then one line per write: offset, value,
    the fields that begin in this word, the ONNX node.
    """
    return "".join(line + "\n" for line in _lines(program))


def _lines(program: Program) -> Iterator[str]:
    yield f"# program {program.name}, configuration {program.config_digest}"
    yield f"# {len(program.words)} commands, {program.constants.size} bytes of constants"
    for words, layer in zip(program.words, program.layer_of, strict=True):
        instruction = decode(words)
        op = program.layers[layer] if layer >= 0 else None
        node = f"{op.kind} {op.name}, ONNX {op.node}" if op else "end of stream"
        yield ""
        yield f"# {disassemble(instruction)}"
        begins: dict[int, list[str]] = {}
        for field, position in layout(BY_NAME[instruction.name]):
            value = instruction.values.get(field.name, BY_NAME[instruction.name].opcode)
            begins.setdefault(position // WORD_BITS, []).append(f"{field.name}={value}")
        for index, (offset, word) in enumerate(mmio_writes(words)):
            meaning = " ".join(begins.get(index, ["-"]))
            yield f"0x{offset:04x} 0x{word:08x}  {meaning:<60} ; {node}"
