# SPDX-License-Identifier: Apache-2.0
"""What a user chooses about offloading: how models are matched, and what of them is kept."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from accel.errors import ConfigError
from codegen.cost import Bus
from codegen.host_times import Workload, load_host_times
from codegen.profit import DEFAULT_CLOCK_MHZ

EXACT, FLEXIBLE = "exact", "flexible"
MATCHES = (EXACT, FLEXIBLE)
PARTITIONS = ("all", "cost")
HOST_TIMES = Path("build/host_times.json")


@dataclass(frozen=True, slots=True)
class ByCost:
    """Offload only what pays."""

    host_us: Callable[[Mapping[str, Workload]], dict[str, float]]
    """Time of ops on the host, microseconds, by the names given."""
    mhz: float = DEFAULT_CLOCK_MHZ
    bus: Bus = field(default_factory=Bus)


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
