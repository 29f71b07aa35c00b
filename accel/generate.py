# SPDX-License-Identifier: Apache-2.0
"""Generate everything that derives from `accel/isa.py` and `accel/csr.rdl`.

python -m accel.generate            write the files
python -m accel.generate --check    exit 1 and name the files that differ from their source
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator
from enum import IntEnum
from pathlib import Path

from peakrdl_cheader.exporter import CHeaderExporter
from peakrdl_markdown.exporter import MarkdownExporter
from peakrdl_regblock import RegblockExporter
from peakrdl_regblock.cpuif.passthrough import PassthroughCpuif
from peakrdl_regblock.udps import ALL_UDPS
from systemrdl import RDLCompiler
from systemrdl.node import AddrmapNode, RegNode

from accel import isa
from accel.codec import layout

ROOT = Path(__file__).parent.parent
NOTICE = "GENERATED from {source} by `make gen`. Do not edit."
INDENT = "  "


def generate() -> dict[Path, str]:
    """All generated files: path relative to the project's root -> content."""
    files = {
        Path("rtl/gen/tessera_isa_pkg.sv"): isa_package(),
        Path("accel/ISA.md"): isa_page(),
    }
    return files | csr_files()


def isa_package() -> str:
    """The command set as a SystemVerilog package."""
    lines = [
        "// SPDX-License-Identifier: Apache-2.0",
        f"// {NOTICE.format(source='accel/isa.py')}",
        "`default_nettype none",
        "",
        "package tessera_isa_pkg;",
        "",
        f"  parameter int unsigned ISA_VERSION = {isa.ISA_VERSION};",
        f"  parameter int unsigned COMMAND_WORDS = {isa.COMMAND_WORDS};",
        f"  parameter int unsigned COMMAND_BITS = {isa.COMMAND_BITS};",
        f"  parameter int unsigned ID_BITS = {isa.ID_BITS};",
        f"  parameter int unsigned PUSH_WINDOW = 'h{isa.PUSH_WINDOW:x};",
        f"  parameter int unsigned QUEUES = {len(isa.QUEUES)};",
        f"  parameter int unsigned GATHER_ROWS = {isa.GATHER_ROWS};",
        f"  parameter int unsigned TABLE_BYTES = {isa.TABLE_BYTES};",
        f"  parameter int unsigned ARRAY_CYCLES = {len(isa.ArrayCycle)};",
        "",
        *_enum("opcode", 8, [(c.name, c.opcode) for c in isa.COMMANDS], "OP"),
    ]
    enums: tuple[tuple[str, int, type[IntEnum]], ...] = (
        ("unit", 3, isa.Unit),
        ("sram", 4, isa.Sram),
        ("conv_mode", 4, isa.ConvMode),
        ("pool_kind", 2, isa.PoolKind),
        ("cause", 8, isa.Cause),
        ("wait", 4, isa.Wait),
        ("array_cycle", 4, isa.ArrayCycle),
    )
    for name, bits, members in enums:
        prefix = {"array_cycle": "CYCLE", "conv_mode": "MODE", "pool_kind": "POOL"}.get(
            name, name.upper()
        )
        lines += _enum(name, bits, [(m.name, m.value) for m in members], prefix)
    lines += _struct(
        "header",
        "The fields that every command has.",
        isa.Command("", 0, isa.Unit.LOAD, "", ()),
    )
    for command in isa.COMMANDS:
        lines += _struct(command.name.lower(), command.doc, command)
    return "\n".join([*lines, "endpackage", "", "`default_nettype wire", ""])


def _enum(name: str, bits: int, members: Iterable[tuple[str, int]], prefix: str) -> list[str]:
    rows = [f"    {prefix}_{member} = {bits}'d{value}" for member, value in members]
    return [
        f"  typedef enum logic [{bits - 1}:0] {{",
        ",\n".join(rows),
        f"  }} {name}_e;",
        "",
    ]


def _struct(name: str, doc: str, command: isa.Command) -> list[str]:
    """A packed struct: its first member is the most significant, so fields come in reverse."""
    fields = list(layout(command))
    used = fields[-1][1] + fields[-1][0].bits
    lines = [*(f"  // {line}" for line in _wrap(doc)), "  typedef struct packed {"]
    lines.append(f"    logic [{isa.COMMAND_BITS - used - 1}:0] reserved;")
    for field, _ in reversed(fields):
        kind = (
            "opcode_e" if field.name == "opcode" else f"logic {'signed ' if field.signed else ''}"
        )
        if field.name != "opcode":
            kind += f"[{field.bits - 1}:0]"
        lines.append(f"    {kind} {field.name};")
    return [*lines, f"  }} {name}_cmd_t;", ""]


def _wrap(text: str, width: int = 94) -> Iterator[str]:
    line = ""
    for word in text.split():
        if line and len(line) + len(word) >= width:
            yield line
            line = ""
        line += f"{' ' if line else ''}{word}"
    yield line


def isa_page() -> str:
    """The command set as a Markdown page."""
    lines = [f"<!-- {NOTICE.format(source='accel/isa.py')} -->", "", "# Commands", ""]
    lines += [(isa.__doc__ or "").split("\n", 1)[1].strip(), ""]
    lines += [
        "## Header",
        "",
        *_table((f, p) for f, p in list(layout(isa.COMMANDS[0]))),
    ]
    header = sum(field.bits for field in isa.HEADER)
    for command in isa.COMMANDS:
        lines += [
            f"## {command.name} (opcode {command.opcode}, {command.unit.name.lower()} unit)",
            "",
        ]
        lines += [command.doc, ""]
        if command.fields:
            lines += _table((f, p) for f, p in layout(command) if p >= header)
    lines += ["## Error causes", "", "| value | cause | meaning |", "|---|---|---|"]
    lines += [f"| {c.value} | {c.name} | {isa.CAUSE_DOC[c]} |" for c in isa.Cause]
    lines += [
        "",
        "## What the array does in a cycle",
        "",
        "| value | name | meaning |",
        "|---|---|---|",
    ]
    lines += [f"| {c.value} | {c.name} | {isa.ARRAY_CYCLE_DOC[c]} |" for c in isa.ArrayCycle]
    return "\n".join([*lines, ""])


def _table(fields: Iterable[tuple[isa.Field, int]]) -> list[str]:
    rows = []
    for f, p in fields:
        width = f"{'signed ' if f.signed else ''}{f.bits}"
        rows.append(f"| {p + f.bits - 1}:{p} | `{f.name}` | {width} | {f.unit} | {f.doc} |")
    return [
        "| bits | field | width | unit | meaning |",
        "|---|---|---|---|---|",
        *rows,
        "",
    ]


def csr_files() -> dict[Path, str]:
    """Register block, package, C header, documentation and Python constants."""
    compiler = RDLCompiler()
    for udp in ALL_UDPS:
        compiler.register_udp(udp)
    compiler.compile_file(str(ROOT / "accel/csr.rdl"))
    top = compiler.elaborate().top
    notice = NOTICE.format(source="accel/csr.rdl")
    with tempfile.TemporaryDirectory() as name:
        out = Path(name)
        RegblockExporter().export(
            top,
            name,
            cpuif_cls=PassthroughCpuif,
            module_name="tessera_csr",
            default_reset_activelow=True,
        )
        CHeaderExporter().export(top, str(out / "csr.h"))
        MarkdownExporter().export(top, str(out / "CSR.md"))
        return {
            Path("rtl/gen/tessera_csr.sv"): f"// {notice}\n" + (out / "tessera_csr.sv").read_text(),
            Path("rtl/gen/tessera_csr_pkg.sv"): f"// {notice}\n"
            + (out / "tessera_csr_pkg.sv").read_text(),
            Path("accel/csr.h"): f"/* {notice} */\n" + (out / "csr.h").read_text(),
            Path("accel/CSR.md"): f"<!-- {notice} -->\n" + (out / "CSR.md").read_text(),
            Path("accel/csr.py"): _csr_module(top),
        }


def _csr_module(top: AddrmapNode) -> str:
    """Python constants: NAME (offset), NAME_STEP (array distance), NAME__FIELD (mask), __SHIFT."""
    lines = [
        "# SPDX-License-Identifier: Apache-2.0",
        f"# {NOTICE.format(source='accel/csr.rdl')}",
        '"""Register offsets (bytes), field masks and shifts."""',
        "",
    ]
    for node in top.descendants(unroll=False):
        if not isinstance(node, RegNode):
            continue
        array = node if node.is_array else node.parent
        path = node.get_path_segments(array_suffix="", empty_array_suffix="")[1:]
        name = "_".join(path)
        origin = node.raw_absolute_address
        lines.append(f"{name} = 0x{origin:03X}")
        if (isinstance(array, RegNode) and array.is_array) or (
            not isinstance(array, AddrmapNode) and getattr(array, "is_array", False)
        ):
            lines.append(f"{name}_STEP = {array.array_stride}")
        for field in node.fields():
            mask = (1 << field.high + 1) - (1 << field.low)
            lines.append(f"{name}__{field.inst_name.upper()} = 0x{mask:08X}")
            lines.append(f"{name}__{field.inst_name.upper()}__SHIFT = {field.low}")
    return "\n".join([*lines, ""])


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Generate files from the contract.")
    parser.add_argument("--check", action="store_true", help="only report files that differ")
    check = parser.parse_args().check
    stale = []
    for path, text in generate().items():
        target = ROOT / path
        if target.is_file() and target.read_text(encoding="utf-8") == text:
            continue
        stale.append(path)
        if not check:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
    for path in stale:
        print(f"{path}: {'differs from its source; run `make gen`' if check else 'written'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
