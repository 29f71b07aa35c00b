# SPDX-License-Identifier: Apache-2.0
"""Compile an ONNX model for the accelerator.

python -m codegen.compile MODEL.onnx [--config NAME|FILE.toml] [--emit cmds|bin|lib|report] [-o DIR]
    [--calibrate DATA.npz|DIR ...]
python -m codegen.compile MODEL.onnx|MODEL.relay|MODEL.json --ir relay [--annotate pattern|op] ...

What imports TVM's Relax is imported when it is used: with --ir relay this runs where Relay is.
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
from accel.program import Program, to_bytes
from codegen import ir
from codegen.explain import Explanation, explain
from codegen.front import RELAY_SUFFIXES, Compilation, add_ir_options, elsewhere
from codegen.frontend import calibrate
from codegen.listing import listing
from codegen.pipeline import lower
from codegen.recipe import DEFAULT
from codegen.tuning import Database, load_database

if TYPE_CHECKING:
    from codegen.frontend.integerize import Notes
    from codegen.frontend.onnx_import import Imported
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

    def export(self, path: Path) -> None:
        """Write the self-contained TVM library."""
        from codegen import artifact

        artifact.export(self.partitioned.module, self.programs, path)


def compile_model(
    path: Path,
    config: AccelConfig,
    progress: Callable[[str], None] = lambda _: None,
    tuned: Database | None = None,
) -> Compiled:
    """Compile an ONNX file.

    Args:
        path: the model.
        config: the hardware.
        progress: told the name of each step.
        tuned: recipes that were measured; without: the default one.

    Raises:
        ModelError: the model cannot be imported.
        PlanError: a region does not fit the configured memories.
    """
    from codegen.frontend.onnx_import import import_onnx

    progress("importing")
    return compile_imported(import_onnx(path), config, progress, tuned)


def compile_imported(
    imported: Imported,
    config: AccelConfig,
    progress: Callable[[str], None] = lambda _: None,
    tuned: Database | None = None,
) -> Compiled:
    """Compile what `onnx_import` gave; arguments and errors as of `compile_model`."""
    from codegen.frontend.integerize import integerize
    from codegen.partition.partition import partition
    from codegen.partition.to_ir import regions, to_ir

    progress("rewriting to integers")
    integer, notes = integerize(imported.module)
    progress("partitioning")
    partitioned = partition(integer, config)
    graphs = {
        symbol: to_ir(symbol, function, partitioned, imported.nodes)
        for symbol, function in sorted(regions(partitioned).items())
    }
    programs = {}
    for symbol, graph in graphs.items():
        progress(f"planning {symbol} ({len(graph.ops)} ops)")
        recipe = tuned.recipe(graph, config) if tuned else DEFAULT
        programs[symbol] = lower(graph, config, recipe)
    explanation = explain(imported, notes, partitioned, programs)
    return Compiled(imported, integer, notes, partitioned, graphs, programs, explanation)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m codegen.compile", description=__doc__)
    parser.add_argument("model", type=Path, help="ONNX model, quantized or to be calibrated")
    parser.add_argument("--config", default="default", help="configuration name or TOML file")
    parser.add_argument("--emit", choices=EMITS, default="lib", help="what to write (default: lib)")
    parser.add_argument(
        "--tuned", type=Path, metavar="FILE.json", help="use what sim.run --tune N measured"
    )
    parser.add_argument("-o", "--output", type=Path, default=None, help="directory to write into")
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
            compiled = compile_for(options, model, config, shown.update, tuned)
            _emit(compiled, options.emit, options.model.stem, options.output)
    except TesseraError as error:
        console.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        return 2
    for warning in compiled.explanation.warnings:
        console.print(f"warning: {warning}", style="yellow", markup=False, soft_wrap=True)
    return 0


def compile_for(
    options: argparse.Namespace,
    path: Path,
    config: AccelConfig,
    progress: Callable[[str], None],
    tuned: Database | None,
) -> Compilation:
    """Compile through the IR that the options name."""
    if options.ir == "relay":
        from codegen.relay.compile import compile_relay

        return compile_relay(path, config, options.annotate, progress, tuned)
    if path.suffix in RELAY_SUFFIXES:
        raise ModelError(f"{path} is a Relay module: give --ir relay")
    return compile_model(path, config, progress, tuned)


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
        text = "".join(listing(program) for program in compiled.programs.values())
    else:
        text = compiled.explanation.to_json()
    if directory is None:
        sys.stdout.write(text)
    else:
        suffix = {"cmds": "cmds.txt", "report": "report.json"}[what]
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
