# SPDX-License-Identifier: Apache-2.0
"""How long ops take on the host, kept by workload: measured once, so that decisions repeat.

A JSON file: workload -> what it is, and microseconds. Who wants other figures (of the machine that
the accelerator will sit beside) gives a file with them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from accel.errors import ConfigError


@dataclass(frozen=True, slots=True)
class HostTime:
    """A measurement."""

    what: str
    """Pattern and shapes, for people."""
    us: float
    """Microseconds of one execution."""


@dataclass(frozen=True, slots=True)
class Workload:
    """An op as TVM's host executes it."""

    key: str
    """Equal for ops that take equally long: shapes and attributes, no values (hex)."""
    what: str
    """Pattern and shapes, for people."""
    function: Any
    """What to execute, Relax."""


Measure = Callable[[Mapping[str, Workload]], dict[str, float]]
"""Measures workloads by key; microseconds."""


@dataclass
class HostTimes:
    """Measurements by workload."""

    path: Path
    entries: dict[str, HostTime] = field(default_factory=dict)

    def microseconds(self, workloads: Mapping[str, Workload], measure: Measure) -> dict[str, float]:
        """Time of each workload; those that nobody measured yet are measured, and kept.

        Args:
            workloads: by any name.
            measure: called for all unknown ones at once.
        """
        unknown = {w.key: w for w in workloads.values() if w.key not in self.entries}
        if unknown:
            for key, us in measure(unknown).items():
                self.entries[key] = HostTime(unknown[key].what, us)
            self.save()
        return {name: self.entries[w.key].us for name, w in workloads.items()}

    def save(self) -> None:
        """Write the file; it appears only when complete."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_name(self.path.name + ".partial")
        data = {key: asdict(entry) for key, entry in sorted(self.entries.items())}
        partial.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
        partial.replace(self.path)


def load_host_times(path: Path) -> HostTimes:
    """Read the file; nothing is known where there is none.

    Raises:
        ConfigError: the file is not one of these.
    """
    if not path.exists():
        return HostTimes(path)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        entries = {key: HostTime(str(v["what"]), float(v["us"])) for key, v in data.items()}
        wrong = [key for key, entry in entries.items() if not 0 <= entry.us < math.inf]
        if wrong:
            raise ValueError(f"{wrong[0]} has the time {entries[wrong[0]].us}")
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigError(
            f"{path} holds no host times ({error}); delete it, or name another file with "
            "--host-times"
        ) from None
    return HostTimes(path, entries)
