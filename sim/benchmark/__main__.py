# SPDX-License-Identifier: Apache-2.0
"""Cycles of the benchmark networks on RTL, each compared with TVM's host, beside published ones.

    python -m sim.benchmark [NETWORK|GROUP|FILE.onnx ...] [--config NAME|FILE,...] [--json FILE]

Networks are built when needed (`python -m models.build`). A network that fails does not stop the
others. Exit status 0: every bit matches, 1: not so, 2: an error.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from accel.config import load_config
from accel.errors import TesseraError
from sim.benchmark.report import Results, document, network_table, speed_table, sweep_table
from sim.benchmark.session import Step, steps, take
from sim.benchmark.suite import NETWORKS, SWEEP, expand
from sim.show import PLAIN_WIDTH


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    console = Console(stderr=True)
    try:
        configs = {Path(name).stem: load_config(name) for name in options.config.split(",")}
        todo = list(steps(expand(options.networks), configs))
    except TesseraError as error:
        console.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        return 2
    results = _run(todo, options.json, console)
    _show(results)
    for name, reason in results.failures.items():
        console.print(f"error: {name}: {reason}", style="red", markup=False, soft_wrap=True)
    if results.failures:
        return 2
    return int(results.mismatched > 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sim.benchmark",
        description="Cycles of the benchmark networks on RTL beside published figures.",
    )
    parser.add_argument(
        "networks",
        nargs="*",
        default=list(NETWORKS),
        metavar="NETWORK",
        help=f"names, groups or ONNX files (default: {' '.join(NETWORKS)})",
    )
    parser.add_argument(
        "--config",
        default="default",
        metavar="NAME,...",
        help="hardware: names in accel/configs, or TOML files",
    )
    parser.add_argument(
        "--json",
        type=Path,
        default=Path("build/bench.json"),
        metavar="FILE",
        help="where the results go (default: build/bench.json)",
    )
    return parser


def _run(todo: Sequence[Step], output: Path, console: Console) -> Results:
    """Take every step; what is known is in `output` after each."""
    results = Results()
    output.parent.mkdir(parents=True, exist_ok=True)
    columns = (BarColumn(20), MofNCompleteColumn(), TimeElapsedColumn())
    text = TextColumn("{task.description}", markup=False)
    with Progress(*columns, text, console=console, transient=True) as progress:
        task = progress.add_task("", total=len(todo))

        def status(what: str) -> None:
            progress.update(task, description=what)

        for step in todo:
            take(step, results, status)
            output.write_text(json.dumps(document(results), indent=2) + "\n", encoding="utf-8")
            progress.advance(task)
    return results


def _show(results: Results) -> None:
    console = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH)
    networks = [run for run in results.runs if not run.network.startswith(SWEEP)]
    sweep = [run for run in results.runs if run.network.startswith(SWEEP)]
    if networks:
        console.print(network_table(networks), "")
    if sweep:
        console.print(sweep_table(sweep), "")
    console.print(speed_table(results.speeds))


if __name__ == "__main__":
    sys.exit(main())
