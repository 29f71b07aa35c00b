# SPDX-License-Identifier: Apache-2.0
"""Saved signal lists beside a wave file, so that a viewer opens on what matters.

FILE.gtkw        GTKWave: gtkwave FILE.gtkw; command ids are shown with their ops
FILE.ids.txt     the table it translates ids with: id, command, op, ONNX node
FILE.sucl        Surfer: surfer --command-file FILE.sucl FILE.fst
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from accel.codec import decode
from accel.isa import ID_BITS
from accel.program import Program

TOP = "tb_top"
UNITS = ("load_unit", "conv_unit", "vector_unit", "store_unit", "dispatcher")
# GTKWave's display flags: hexadecimal and right-justified, binary, comment, translated by a file.
HEX, BIT, COMMENT, TRANSLATED = 0x22, 0x28, 0x200, 0x2000


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal of the testbench."""

    path: str
    bits: int = 1
    is_id: bool = False
    """Its value is a command id."""


def groups() -> list[tuple[str, list[Signal]]]:
    """Signals by heading."""
    units = [
        (
            unit.replace("_", " "),
            [
                Signal(f"{TOP}.{unit}.id", ID_BITS, is_id=True),
                Signal(f"{TOP}.{unit}.state", 4),
            ],
        )
        for unit in UNITS
    ]
    dut = f"{TOP}.i_dut"
    return [
        ("clock", [Signal(f"{TOP}.{name}") for name in ("clk_i", "rst_ni", "irq_o", "counting")]),
        (
            "array",
            [
                Signal(f"{TOP}.array_id", ID_BITS, is_id=True),
                Signal(f"{TOP}.array_cycle", 4),
            ],
        ),
        *units,
        (
            "memory reads",
            [Signal(f"{dut}.m_axi_{name}") for name in ("arvalid_o", "arready_i")]
            + [Signal(f"{dut}.m_axi_araddr_o", 32), Signal(f"{dut}.m_axi_arlen_o", 8)]
            + [Signal(f"{dut}.m_axi_{name}") for name in ("rvalid_i", "rready_o")],
        ),
        (
            "memory writes",
            [Signal(f"{dut}.m_axi_{name}") for name in ("awvalid_o", "awready_i")]
            + [Signal(f"{dut}.m_axi_awaddr_o", 32), Signal(f"{dut}.m_axi_awlen_o", 8)]
            + [Signal(f"{dut}.m_axi_{name}") for name in ("wvalid_o", "wready_i")],
        ),
        (
            "host",
            [Signal(f"{dut}.s_axil_awaddr_i", 13), Signal(f"{dut}.s_axil_wdata_i", 32)]
            + [Signal(f"{dut}.s_axil_{name}") for name in ("awvalid_i", "awready_o")],
        ),
    ]


def write_views(waves: Path, programs: Iterable[Program]) -> list[Path]:
    """Write the views of a wave file; returns their paths."""
    table = waves.with_name(waves.name + ".ids.txt")
    table.write_text("".join(_id_lines(programs)), encoding="utf-8")
    gtkwave = waves.with_name(waves.name + ".gtkw")
    gtkwave.write_text("\n".join(_gtkwave_lines(waves, table)) + "\n", encoding="utf-8")
    surfer = waves.with_name(waves.name + ".sucl")
    surfer.write_text("\n".join(_surfer_lines()) + "\n", encoding="utf-8")
    return [gtkwave, table, surfer]


def _id_lines(programs: Iterable[Program]) -> Iterator[str]:
    """GTKWave's translation file: value as displayed, text. Regions share ids."""
    texts: dict[int, list[str]] = {}
    for program in programs:
        for command, (words, layer) in enumerate(zip(program.words, program.layer_of, strict=True)):
            op = "" if layer < 0 else program.layers[layer].name
            text = f"{decode(words).name} {op}".strip()
            texts.setdefault(command, []).append(f"{command} {text}")
    for command, variants in texts.items():
        yield f"{command:06X} {' | '.join(dict.fromkeys(variants))}\n"


def _gtkwave_lines(waves: Path, table: Path) -> Iterator[str]:
    yield f'[dumpfile] "{waves.resolve()}"'
    yield "[timestart] 0"
    for heading, signals in groups():
        yield f"@{COMMENT:x}"
        yield f"-{heading}"
        for signal in signals:
            flags = BIT if signal.bits == 1 else HEX
            yield f"@{flags | (TRANSLATED if signal.is_id else 0):x}"
            if signal.is_id:
                yield f"^1 {table.resolve()}"
            yield signal.path + ("" if signal.bits == 1 else f"[{signal.bits - 1}:0]")


def _surfer_lines() -> Iterator[str]:
    for heading, signals in groups():
        yield f"divider_add {heading}"
        for signal in signals:
            yield f"variable_add {signal.path}"
    yield "zoom_fit"
