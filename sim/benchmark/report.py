# SPDX-License-Identifier: Apache-2.0
"""What was measured as tables and as JSON: pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.table import Table

from sim.attribution import Use
from sim.benchmark.anchors import GEMM_ANCHOR, SIMULATOR_ANCHORS, Anchor, anchors_of
from sim.benchmark.measure import Measurement
from sim.benchmark.suite import SWEEP
from sim.memory import MODELS as MEMORY_MODELS
from sim.report import LayerRow

SIMULATORS, FAILURES = "sim", "failed"
"""Keys of the JSON report that are no networks."""
MAIN_CONFIG = "default"
SMALL_SHARE = 0.005
"""Losses below it are not named in the table."""
LEGEND = (
    "util: share of the multipliers at work on the network's own products",
    "roof: share of the cycles that array or bus needs at least, whichever is slower",
)


@dataclass(frozen=True, slots=True)
class Run:
    """A network on one configuration, behind each of its memories."""

    network: str
    config: str
    """Name of the configuration."""
    by_memory: Mapping[str, Measurement]


@dataclass(slots=True)
class Results:
    """What is known so far."""

    runs: list[Run] = field(default_factory=list)
    speeds: dict[str, float] = field(default_factory=dict)
    """Simulated cycles per second of CPU time, by simulator."""
    failures: dict[str, str] = field(default_factory=dict)
    """Reason, by what failed."""

    @property
    def mismatched(self) -> int:
        """Output elements, over all runs, that differ from TVM's host execution."""
        return sum(m.mismatched for run in self.runs for m in run.by_memory.values())


def label(network: str, config: str) -> str:
    """The network, and the configuration where it is not the default one."""
    return network if config == MAIN_CONFIG else f"{network}@{config}"


def document(results: Results) -> dict[str, Any]:
    """The JSON report: label -> memory -> figures; simulator -> cycles per second; failures."""
    report: dict[str, Any] = {
        label(run.network, run.config): {memory: _figures(m) for memory, m in run.by_memory.items()}
        for run in results.runs
    }
    report[SIMULATORS] = dict(results.speeds)
    if results.failures:
        report[FAILURES] = dict(results.failures)
    return report


def _figures(m: Measurement) -> dict[str, Any]:
    return {
        "cycles": m.cycles,
        "macs": m.macs,
        "ideal_cycles": m.ideal_cycles,
        "bus_cycles": m.bus_cycles,
        "utilization": m.utilization,
        "roofline": m.roofline,
        "attribution": {use.name.lower(): cycles for use, cycles in m.total.spent.items()},
        "offloaded_macs": m.total.macs,
        "read_bytes": m.read_bytes,
        "write_bytes": m.write_bytes,
        "mismatched": m.mismatched,
        "seconds": m.seconds,
    }


def losses(row: LayerRow) -> str:
    """Where cycles went beside useful work, largest first: `weight 3%, drain 1%`."""
    lost = {use: row.share(use) for use in row.spent if use is not Use.USEFUL}
    shown = sorted((use for use in lost if lost[use] >= SMALL_SHARE), key=lambda use: -lost[use])
    return ", ".join(f"{use.name.lower()} {lost[use]:.0%}" for use in shown)


def network_table(runs: Sequence[Run]) -> Table:
    """A block for each network: our runs, then the published figures."""
    memories = dict.fromkeys(memory for run in runs for memory in run.by_memory)
    table = Table(
        title="Cycles of an inference",
        caption="\n".join([*LEGEND, *map(_memory_line, memories)]),
        title_justify="left",
        caption_justify="left",
        show_edge=False,
    )
    table.add_column("network, system", no_wrap=True)
    table.add_column("memory, kind", no_wrap=True)
    for heading in ("cycles", "util", "roof", "theirs/ours"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("cycles lost to, source")
    for run in runs:
        for index, (memory, m) in enumerate(run.by_memory.items()):
            table.add_row(
                "" if index else label(run.network, run.config),
                *_measured(memory, m),
                losses(m.total),
            )
        # The published figures are for arrays of about this size.
        if run.config == MAIN_CONFIG:
            for anchor in anchors_of(run.network):
                table.add_row(*_published(anchor, run), style="dim")
        table.add_section()
    return table


def _memory_line(name: str) -> str:
    model = MEMORY_MODELS[name]
    return f"{name}: {model.bytes_per_cycle:g} B/cycle, {model.latency} cycles latency"


def _measured(memory: str, m: Measurement) -> tuple[str, ...]:
    verdict = f"[red]{m.mismatched} wrong[/red]" if m.mismatched else ""
    return memory, f"{m.cycles:,}", f"{m.utilization:.1%}", f"{m.roofline:.1%}", verdict


def _published(anchor: Anchor, run: Run) -> tuple[str, ...]:
    """A row; the ratio is to our cycles behind the memory nearest to theirs."""
    ours = run.by_memory[anchor.memory]
    utilization = ""
    if anchor.macs_per_cycle:
        utilization = f"{ours.macs / anchor.macs_per_cycle / anchor.cycles:.1%}"
    return (
        f"  {anchor.system}",
        anchor.kind.value,
        f"{anchor.cycles:,}",
        utilization,
        "",
        f"{anchor.cycles / ours.cycles:.2f}",
        anchor.source,
    )


def sweep_table(runs: Sequence[Run]) -> Table:
    """A line for each matrix product: cycles and utilization behind each memory."""
    memories = list(dict.fromkeys(memory for run in runs for memory in run.by_memory))
    table = Table(
        title="Matrix products [M, K] x [K, N]",
        caption=f"Published: {GEMM_ANCHOR}",
        title_justify="left",
        caption_justify="left",
        show_edge=False,
    )
    table.add_column("M x K x N", no_wrap=True)
    table.add_column("MACs", justify="right")
    for memory in memories:
        for what in ("cycles", "util", "roof"):
            table.add_column(f"{memory}\n{what}", justify="right", no_wrap=True)
    table.add_column("wrong", justify="right")
    for run in runs:
        measured = run.by_memory.values()
        cells = [
            cell
            for m in measured
            for cell in (f"{m.cycles:,}", f"{m.utilization:.1%}", f"{m.roofline:.1%}")
        ]
        macs = next(iter(measured)).macs
        wrong = sum(m.mismatched for m in measured)
        table.add_row(
            label(run.network, run.config).removeprefix(SWEEP), f"{macs:,}", *cells, str(wrong)
        )
    return table


def speed_table(speeds: Mapping[str, float]) -> Table:
    """Simulated cycles per second: ours, then published."""
    table = Table(title="Speed of RTL simulation", title_justify="left", show_edge=False)
    table.add_column("simulator", no_wrap=True)
    table.add_column("cycles/s", justify="right", no_wrap=True)
    table.add_column("source")
    for name, speed in speeds.items():
        table.add_row(name, f"{speed:,.0f}", "")
    for system, published, source in SIMULATOR_ANCHORS:
        table.add_row(system, f"{published:,}", source, style="dim")
    return table
