# SPDX-License-Identifier: Apache-2.0
"""Command lines that measure one network after the other: arguments, progress, what fails."""

from __future__ import annotations

import argparse
import json
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from accel.errors import TesseraError


class Results(Protocol):
    """What is known so far."""

    failures: dict[str, str]
    """Reason, by what failed."""

    @property
    def mismatched(self) -> int:
        """Output elements that differ from TVM's host execution."""


R = TypeVar("R", bound=Results)
Status: TypeAlias = Callable[[str], None]
Step: TypeAlias = tuple[str, Callable[[R, Status], None]]
"""A name, and what adds to the results."""


def networks_parser(
    prog: str, description: str, networks: Sequence[str], output: Path
) -> argparse.ArgumentParser:
    """Networks (default: `networks`) and `--json FILE` (default: `output`)."""
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument(
        "networks",
        nargs="*",
        default=list(networks),
        metavar="NETWORK",
        help=f"names, groups or ONNX files (default: {' '.join(networks)})",
    )
    parser.add_argument(
        "--json",
        type=Path,
        default=output,
        metavar="FILE",
        help=f"where the results go (default: {output})",
    )
    return parser


def take_all(
    steps: Sequence[Step[R]],
    results: R,
    document: Callable[[R], dict[str, Any]],
    output: Path,
    console: Console,
) -> None:
    """Take every step; the `document` of what is known is in `output` after each."""
    output.parent.mkdir(parents=True, exist_ok=True)
    columns = (BarColumn(20), MofNCompleteColumn(), TimeElapsedColumn())
    text = TextColumn("{task.description}", markup=False)
    with Progress(*columns, text, console=console, transient=True) as progress:
        task = progress.add_task("", total=len(steps))

        def status(what: str) -> None:
            progress.update(task, description=what)

        for step in steps:
            take(step, results, status)
            output.write_text(json.dumps(document(results), indent=2) + "\n", encoding="utf-8")
            progress.advance(task)


def take(step: Step[R], results: R, status: Status) -> None:
    """Take one step; an error becomes part of the results."""
    name, act = step
    try:
        act(results, lambda what: status(f"{name}: {what}"))
    except TesseraError as error:
        results.failures[name] = str(error)
    except Exception:  # noqa: BLE001  # a defect in one network must not lose the others' results
        results.failures[name] = traceback.format_exc()


def refused(error: TesseraError, console: Console) -> int:
    """Say what is wrong with the command line; returns the exit status."""
    _print_error(str(error), console)
    return 2


def exit_status(results: Results, console: Console) -> int:
    """Say what failed; 0: every bit matches, 1: not so, 2: something failed."""
    for name, reason in results.failures.items():
        _print_error(f"{name}: {reason}", console)
    return 2 if results.failures else int(results.mismatched > 0)


def _print_error(text: str, console: Console) -> None:
    console.print(f"error: {text}", style="red", markup=False, soft_wrap=True)
