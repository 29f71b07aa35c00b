# SPDX-License-Identifier: Apache-2.0
"""What a front IR gives, whichever it is, and the options that choose one.

Relax is compiled in this process. Relay needs TVM 0.19, which is in an environment of its own, so a
command line with `--ir relay` runs itself there.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from accel.errors import ConfigError
from accel.program import Program
from codegen import ir
from codegen.choices import ANNOTATIONS, BY_PATTERN, FLEXIBLE, Choices, strategy
from codegen.cost import Bus
from codegen.explanation import Explanation
from codegen.frontend.formats import ROUNDINGS
from codegen.relay import environment
from codegen.tuning import Database

RELAX, RELAY = "relax", "relay"
RELAY_SUFFIXES = (".relay", ".json")
"""Models as Relay text and JSON."""


class Compilation(Protocol):
    """A model compiled for one configuration."""

    @property
    def graphs(self) -> dict[str, ir.Graph]:
        """Neutral graph of each region, by symbol."""

    @property
    def programs(self) -> dict[str, Program]:
        """Program of each region, by symbol."""

    @property
    def explanation(self) -> Explanation:
        """Where every node went, and why."""

    def export(self, path: Path) -> None:
        """Write the self-contained TVM library."""


def add_ir_options(parser: argparse.ArgumentParser) -> None:
    """Add `--ir`, and what is chosen with it."""
    parser.add_argument(
        "--ir", choices=(RELAX, RELAY), default=RELAX, help="front IR (default: relax)"
    )
    parser.add_argument(
        "--annotate",
        choices=ANNOTATIONS,
        default=BY_PATTERN,
        help="with --ir relay: what is offered to the accelerator, patterns or single ops",
    )


def check_ir(options: argparse.Namespace) -> None:
    """What only Relax can do.

    Raises:
        ConfigError: it was asked for with --ir relay.
    """
    if options.ir == RELAY:
        for name, kept in (("rounding", None), ("match", None), ("partition", "all")):
            if getattr(options, name) != kept:
                raise ConfigError(f"--{name}: goes with --ir relax")


def chosen(
    options: argparse.Namespace, tuned: Database | None = None, bus: Bus | None = None
) -> Choices:
    """What the options say that go with their front IR.

    Args:
        options: with what this file's, `choices.add_options` and `formats.add_rounding` added.
        tuned: recipes that were measured.
        bus: the memory that --partition cost reckons with.

    Raises:
        ConfigError: what `check_ir` and `strategy` refuse.
    """
    check_ir(options)
    if options.ir == RELAY:
        return Choices(tuned=tuned, annotate=options.annotate)
    return Choices(
        match=options.match or FLEXIBLE,
        by_cost=strategy(options, bus),
        rounding=ROUNDINGS.get(options.rounding),
        tuned=tuned,
    )


def elsewhere(module: str, front: str, arguments: Sequence[str] | None) -> int | None:
    """Run the command line where its front IR is; None: that is here.

    Args:
        module: what was started with `python -m`.
        front: RELAX or RELAY.
        arguments: given to it; None: those of this process.

    Raises:
        ConfigError: there is no such environment.
    """
    if front == RELAY and not environment.is_here():
        return environment.run_there(module, environment.arguments_of(arguments))
    if front == RELAX and environment.is_here():
        raise ConfigError("this is the environment of Relay: give --ir relay, or run in .venv")
    return None
