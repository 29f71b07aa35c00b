# SPDX-License-Identifier: Apache-2.0
"""What a user chooses about compiling: everything beside the model and the hardware."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from accel.config import AccelConfig
from accel.errors import ConfigError
from accel.isa import Rounding
from codegen import ir
from codegen.cost import Bus
from codegen.frontend.formats import rounding_of
from codegen.host_times import Workload, load_host_times
from codegen.profit import DEFAULT_CLOCK_MHZ
from codegen.recipe import DEFAULT, Recipe
from codegen.tuning import Database

EXACT, FLEXIBLE = "exact", "flexible"
MATCHES = (EXACT, FLEXIBLE)
BY_PATTERN, BY_OP = "pattern", "op"
ANNOTATIONS = (BY_PATTERN, BY_OP)
PARTITIONS = ("all", "cost")
HOST_TIMES = Path("build/host_times.json")


@dataclass(frozen=True, slots=True)
class ByCost:
    """Offload only what pays."""

    host_us: Callable[[Mapping[str, Workload]], dict[str, float]]
    """Time of ops on the host, microseconds, by the names given."""
    mhz: float = DEFAULT_CLOCK_MHZ
    bus: Bus = field(default_factory=Bus)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """How to compile; the defaults are those of the command lines.

    Raises:
        ConfigError: a way to match or to annotate that does not exist.
    """

    match: str = FLEXIBLE
    """One of MATCHES: the model as it is, or rewritten to offload more (codegen/matching.py)."""
    by_cost: ByCost | None = None
    """Offload only what pays; None: all that the accelerator can take."""
    rounding: Rounding | None = None
    """The requantization rule; None: that of the file's format."""
    tuned: Database | None = None
    """Recipes that were measured; None: the default one for all graphs."""
    annotate: str = BY_PATTERN
    """One of ANNOTATIONS, of Relay only: what is offered to the accelerator, patterns or ops."""

    def __post_init__(self) -> None:
        for name, known in (("match", MATCHES), ("annotate", ANNOTATIONS)):
            if (given := getattr(self, name)) not in known:
                raise ConfigError(f"--{name} {given}: one of {', '.join(known)}")

    def of_file(self, path: Path) -> Choices:
        """The same with the requantization rule of the file's format, where none was chosen."""
        return self if self.rounding is not None else replace(self, rounding=rounding_of(path))

    @property
    def rule(self) -> Rounding:
        """The requantization rule; a single rounding where neither user nor file says any."""
        return Rounding.SINGLE if self.rounding is None else self.rounding

    def recipe(self, graph: ir.Graph, config: AccelConfig) -> Recipe:
        """How to cut a graph into commands."""
        return self.tuned.recipe(graph, config) if self.tuned else DEFAULT


DEFAULTS = Choices()


def add_options(parser: argparse.ArgumentParser) -> None:
    """How far to go: --match and --partition."""
    parser.add_argument(
        "--match",
        choices=MATCHES,
        help="exact: as the exporter wrote it; flexible: rewritten to offload more (default)",
    )
    parser.add_argument(
        "--partition",
        choices=PARTITIONS,
        default="all",
        help="offload all that the accelerator can take, or only what pays (default: all)",
    )
    parser.add_argument(
        "--clock",
        type=float,
        default=DEFAULT_CLOCK_MHZ,
        metavar="MHZ",
        help=f"of the accelerator, for --partition cost (default: {DEFAULT_CLOCK_MHZ:g})",
    )
    parser.add_argument(
        "--host-times",
        type=Path,
        default=HOST_TIMES,
        metavar="FILE.json",
        help="where times of ops on the host are kept; what is missing is measured on this machine "
        f"(default: {HOST_TIMES})",
    )


def strategy(options: argparse.Namespace, bus: Bus | None = None) -> ByCost | None:
    """What the options of `add_options` say.

    Raises:
        ConfigError: an impossible clock, or a file that holds no host times.
    """
    if not (options.clock > 0 and math.isfinite(options.clock)):
        raise ConfigError(f"--clock {options.clock:g}: a frequency in MHz above 0")
    if options.partition == "all":
        return None
    times = load_host_times(options.host_times)

    def host_us(workloads: Mapping[str, Workload]) -> dict[str, float]:
        from codegen.partition.host_time import measure

        return times.microseconds(workloads, measure)

    return ByCost(host_us, options.clock, bus or Bus())
