# SPDX-License-Identifier: Apache-2.0
"""Compile a model for the accelerator.

python -m codegen.compile MODEL.onnx|MODEL.tflite|MODEL.pt2 [--config NAME|FILE.toml]
    [--emit cmds|bin|lib|report] [-o DIR] [--rounding single|double] [--match exact|flexible]
    [--partition all|cost --clock MHZ --host-times FILE.json] [--calibrate DATA.npz|DIR ...]
python -m codegen.compile MODEL.onnx|MODEL.relay|MODEL.json --ir relay [--annotate pattern|op] ...

--emit report -o DIR writes MODEL.report.json and, to be read, MODEL.report.html. What imports TVM's
Relax is imported when it is used: with --ir relay this runs where Relay is.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from accel.config import AccelConfig, load_config
from accel.errors import ModelError, TesseraError
from accel.isa import Rounding
from accel.program import Program, to_bytes
from codegen import ir
from codegen.choices import DEFAULTS, Choices, add_options
from codegen.explain_page import page, summary
from codegen.explain_table import decision_table, refusal_table
from codegen.explanation import Explanation
from codegen.front import RELAY, RELAY_SUFFIXES, Compilation, add_ir_options, chosen, elsewhere
from codegen.frontend import calibrate
from codegen.frontend.formats import add_rounding
from codegen.listing import listing
from codegen.tuning import load_database

if TYPE_CHECKING:
    from codegen.frontend.integerize import Notes
    from codegen.frontend.onnx_import import Imported
    from codegen.matching import Coverage
    from codegen.partition.partition import Partitioned

EMITS = ("cmds", "bin", "lib", "report")


@dataclass(frozen=True, slots=True)
class Compiled:
    """A model compiled for one configuration, with all intermediate results."""

    imported: Imported
    """Float QDQ Relax, as imported."""
    integer: Any
    """Integer Relax: the golden reference when built for the host."""
    notes: Notes
    partitioned: Partitioned
    graphs: dict[str, ir.Graph]
    """Neutral graph of each region, by symbol."""
    programs: dict[str, Program]
    """Program of each region, by symbol."""
    explanation: Explanation
    rounding: Rounding
    """The requantization rule."""
    matched: str
    """How: exact, or flexible where that brings more."""
    coverage: Coverage
    """What could be offloaded."""

    def export(self, path: Path) -> None:
        """Write the self-contained TVM library."""
        from codegen import artifact

        artifact.export(self.partitioned.module, self.programs, path)


def compile_model(
    path: Path,
    config: AccelConfig,
    choices: Choices = DEFAULTS,
    progress: Callable[[str], None] = lambda _: None,
) -> Compiled:
    """Compile a model file.

    Args:
        path: the model.
        config: the hardware.
        choices: how; the defaults are those of the command line.
        progress: told the name of each step.

    Raises:
        ModelError: the model cannot be imported.
        PlanError: a region does not fit the configured memories.
    """
    from codegen.frontend.onnx_import import import_onnx

    progress("importing")
    return compile_imported(import_onnx(path), config, choices.of_file(path), progress)


def compile_imported(
    imported: Imported,
    config: AccelConfig,
    choices: Choices = DEFAULTS,
    progress: Callable[[str], None] = lambda _: None,
) -> Compiled:
    """Compile what `onnx_import` gave; arguments and errors as of `compile_model`."""
    from codegen.explain import explain
    from codegen.matching import match_model
    from codegen.offload import offload

    progress("matching")
    matched = match_model(imported, config, choices)
    found = offload(matched, imported.nodes, config, choices, progress)
    partitioned, graphs, programs = found.partitioned, found.graphs, found.programs
    return Compiled(
        imported,
        matched.integer,
        matched.notes,
        partitioned,
        graphs,
        programs,
        explain(imported, matched.notes, partitioned, graphs, programs, found.decisions),
        choices.rule,
        matched.how,
        matched.coverage,
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m codegen.compile", description=__doc__)
    parser.add_argument(
        "model",
        type=Path,
        help="quantized ONNX or TFLite model, or a float ONNX one to be calibrated",
    )
    parser.add_argument("--config", default="default", help="configuration name or TOML file")
    parser.add_argument("--emit", choices=EMITS, default="lib", help="what to write (default: lib)")
    parser.add_argument(
        "--tuned", type=Path, metavar="FILE.json", help="use what sim.run --tune N measured"
    )
    parser.add_argument("-o", "--output", type=Path, default=None, help="directory to write into")
    add_rounding(parser)
    add_options(parser)
    calibrate.add_options(parser)
    add_ir_options(parser)
    options = parser.parse_args(arguments)
    console = Console(stderr=True)
    try:
        status = elsewhere("codegen.compile", options.ir, arguments)
        if status is not None:
            return status
        with console.status("compiling") as shown:
            config = load_config(options.config)
            tuned = load_database(options.tuned) if options.tuned else None
            folder = options.output or Path("build")
            model = calibrate.quantized(options.model, folder, options, shown.update)
            choices = chosen(options, tuned)
            compiled = compile_for(options.ir, model, config, choices, shown.update)
            _emit(compiled, options.emit, options.model.stem, options.output)
    except TesseraError as error:
        console.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        return 2
    if compiled.explanation.decisions:
        title = f"what pays at {options.clock:g} MHz"
        console.print(decision_table(compiled.explanation.decisions, title))
    if options.emit == "report" and options.output is not None:
        console.print(refusal_table(compiled.explanation))
        console.print(summary(compiled.explanation), markup=False, highlight=False)
    for warning in compiled.explanation.warnings:
        console.print(f"warning: {warning}", style="yellow", markup=False, soft_wrap=True)
    return 0


def compile_for(
    front: str,
    path: Path,
    config: AccelConfig,
    choices: Choices,
    progress: Callable[[str], None],
) -> Compilation:
    """Compile through one of the front IRs, RELAX or RELAY."""
    if front == RELAY:
        from codegen.relay.compile import compile_relay

        return compile_relay(path, config, choices, progress)
    if path.suffix in RELAY_SUFFIXES:
        raise ModelError(f"{path} is a Relay module: give --ir relay")
    return compile_model(path, config, choices, progress)


def _emit(compiled: Compilation, what: str, stem: str, directory: Path | None) -> None:
    """Write one kind of output: to `directory`, or text to stdout when there is none."""
    if what == "lib":
        target = (directory or Path("build")) / f"{stem}.so"
        compiled.export(target)
        print(target)
        return
    if what == "bin":
        folder = directory or Path("build")
        for symbol, program in compiled.programs.items():
            print(_write(folder / f"{stem}.{symbol}.bin", to_bytes(program)))
        return
    if what == "cmds":
        files = {"cmds.txt": "".join(map(listing, compiled.programs.values()))}
    else:
        title = f"{stem}: where every node went"
        files = {
            "report.json": compiled.explanation.to_json(),
            "report.html": page(compiled.explanation, title),
        }
    if directory is None:
        sys.stdout.write(next(iter(files.values())))
        return
    for suffix, text in files.items():
        print(_write(directory / f"{stem}.{suffix}", text.encode()))


def _write(path: Path, data: bytes) -> Path:
    """Write a file that appears only when complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(data)
    partial.replace(path)
    return path


if __name__ == "__main__":
    sys.exit(main())
