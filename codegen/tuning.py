# SPDX-License-Identifier: Apache-2.0
"""Recipes that were measured to be the fastest, kept by workload and configuration.

The search itself runs programs on RTL: `python -m sim.run MODEL.onnx --tune N` (sim/tune.py).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from accel.config import AccelConfig
from accel.errors import ConfigError
from accel.program import Program
from codegen import ir
from codegen.bands import window
from codegen.cost import Bus, estimate
from codegen.pipeline import lower
from codegen.recipe import DEFAULT, RECIPES, Recipe


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A recipe with the program it makes and the cycles that this is thought to take."""

    recipe: Recipe
    program: Program
    predicted: int


def ranked(graph: ir.Graph, config: AccelConfig, bus: Bus) -> list[Candidate]:
    """All different programs that recipes make of a graph, the fastest by prediction first."""
    programs = {recipe: lower(graph, config, recipe) for recipe in (DEFAULT, *RECIPES)}
    different = {program.words.tobytes(): recipe for recipe, program in reversed(programs.items())}
    candidates = [
        Candidate(recipe, programs[recipe], estimate(programs[recipe], config, bus).cycles)
        for recipe in different.values()
    ]
    return sorted(candidates, key=lambda c: (c.predicted, c.recipe != DEFAULT))


def workload(graph: ir.Graph, config: AccelConfig) -> str:
    """Name of what a graph does on a configuration: shapes and ops, no weights (hex)."""
    facts: list[Any] = [config.digest()]
    for op in graph.ops:
        view = asdict(window(op))
        conv = (op.weight.shape, op.groups, op.residual) if isinstance(op, ir.Conv) else None
        kind = op.kind.value if isinstance(op, ir.Pool) else type(op).__name__
        if isinstance(op, ir.Mosaic):
            facts += [(p.first, p.step, p.size, asdict(window(p.op))) for p in op.patches]
        facts.append((kind, view, conv, op.output, op.table is not None))
    facts += [asdict(move) for move in graph.moves]
    facts += [(t.name, t.shape) for t in graph.tensors.values()]
    facts += [[port.tensor for port in ports] for ports in (graph.inputs, graph.outputs)]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Entry:
    """The best recipe of a workload, and how that was found."""

    recipe: Recipe
    cycles: int
    """Measured on RTL."""
    measured: int
    """Programs that were run."""
    memory: str
    """The memory model behind the bus."""


@dataclass
class Database:
    """Entries by workload; a JSON file."""

    entries: dict[str, Entry] = field(default_factory=dict)

    def recipe(self, graph: ir.Graph, config: AccelConfig) -> Recipe:
        """The recipe to use for a graph: the measured one, or the default."""
        entry = self.entries.get(workload(graph, config))
        return entry.recipe if entry else DEFAULT

    def save(self, path: Path) -> None:
        """Write the file; it appears only when complete."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(path.name + ".partial")
        data = {key: asdict(entry) for key, entry in sorted(self.entries.items())}
        partial.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
        partial.replace(path)


def load_database(path: Path) -> Database:
    """Read a tuning database; an empty one where there is no file.

    Raises:
        ConfigError: the file is not one.
    """
    if not path.exists():
        return Database()
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return Database(
            {
                key: Entry(**{**value, "recipe": Recipe(**value["recipe"])})
                for key, value in data.items()
            }
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigError(
            f"{path} is no tuning database ({error}); delete it, or name another file"
        ) from None
