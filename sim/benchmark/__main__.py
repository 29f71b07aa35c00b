# SPDX-License-Identifier: Apache-2.0
"""Cycles of the benchmark networks on RTL, each compared with TVM's host, beside published ones.

    python -m sim.benchmark [NETWORK|GROUP|FILE.onnx ...] [--config NAME|FILE,...] [--json FILE]

Networks are built when needed (`python -m models.build`). A network that fails does not stop the
others. Exit status 0: every bit matches, 1: not so, 2: an error.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from accel.config import load_config
from accel.errors import TesseraError
from sim.benchmark.report import Results, document, network_table, speed_table, sweep_table
from sim.benchmark.session import steps
from sim.benchmark.suite import NETWORKS, SWEEP, expand
from sim.show import output
from sim.steps import exit_status, networks_parser, refused, take_all


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    console = Console(stderr=True)
    try:
        configs = {Path(name).stem: load_config(name) for name in options.config.split(",")}
        todo = list(steps(expand(options.networks), configs))
    except TesseraError as error:
        return refused(error, console)
    results = Results()
    take_all(todo, results, document, options.json, console)
    _show(results)
    return exit_status(results, console)


def _parser() -> argparse.ArgumentParser:
    parser = networks_parser(
        "python -m sim.benchmark",
        "Cycles of the benchmark networks on RTL beside published figures.",
        NETWORKS,
        Path("build/bench.json"),
    )
    parser.add_argument(
        "--config",
        default="default",
        metavar="NAME,...",
        help="hardware: names in accel/configs, or TOML files",
    )
    return parser


def _show(results: Results) -> None:
    console = output()
    networks = [run for run in results.runs if not run.network.startswith(SWEEP)]
    sweep = [run for run in results.runs if run.network.startswith(SWEEP)]
    if networks:
        console.print(network_table(networks), "")
    if sweep:
        console.print(sweep_table(sweep), "")
    console.print(speed_table(results.speeds))


if __name__ == "__main__":
    sys.exit(main())
