# SPDX-License-Identifier: Apache-2.0
"""Memory models: how fast, and how well, the memory behind the accelerator's bus answers."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from enum import IntEnum

from accel.errors import ConfigError


class Response(IntEnum):
    """How an access ends; values as in sim/bench/axi_memory.h."""

    SLVERR = 2
    DECERR = 3
    NEVER = 4


@dataclass(frozen=True, slots=True)
class Fault:
    """A range of bus addresses that does not work."""

    start: int
    """Bus address, bytes."""
    size: int
    """Bytes."""
    response: Response


@dataclass(frozen=True, slots=True)
class MemoryModel:
    """Timing and faults of the memory.

    Raises:
        ConfigError: on construction, when a value is out of range.
    """

    latency: int = 40
    """Cycles from a burst's address (write: its last beat) to the answer."""
    bytes_per_cycle: float = 16.0
    """Bandwidth of reads, and of writes."""
    stall: float = 0.0
    """Probability of each further wait cycle at any handshake, on all channels; below 1."""
    seed: int = 1
    """Of the stalls."""
    faults: tuple[Fault, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.latency < 1 << 31:
            raise ConfigError(f"memory latency={self.latency}: must be 0 or more cycles")
        if not self.bytes_per_cycle > 0:
            raise ConfigError(f"memory bytes_per_cycle={self.bytes_per_cycle}: must be above 0")
        if not 0 <= self.stall < 1:
            raise ConfigError(f"memory stall={self.stall}: must be at least 0 and below 1")
        if not 0 <= self.seed < 1 << 63:
            raise ConfigError(f"memory seed={self.seed}: must be 0 or more")


MODELS = {
    "default": MemoryModel(),
    "ideal8": MemoryModel(latency=0, bytes_per_cycle=8.0),
    "ideal16": MemoryModel(latency=0, bytes_per_cycle=16.0),
    "fast": MemoryModel(latency=10),
    "slow": MemoryModel(latency=100),
    "random": MemoryModel(stall=0.3),
}
"""By name, as `--memory` takes them."""


def parse_memory(text: str) -> MemoryModel:
    """Read a memory model: a name, settings `latency=10,stall=0.5`, or both `random,seed=7`.

    Raises:
        ConfigError: no such name or setting, or a value out of range.
    """
    name, _, rest = text.partition(",")
    if "=" in name:
        name, rest = "default", text
    if name not in MODELS:
        raise ConfigError(
            f"no memory model {name}; there are {', '.join(MODELS)}, and settings like latency=10"
        )
    kinds = {f.name: type(f.default) for f in fields(MemoryModel) if f.name != "faults"}
    values: dict[str, int | float] = {}
    for setting in filter(None, rest.split(",")):
        key, _, value = setting.partition("=")
        if key not in kinds:
            raise ConfigError(f"no memory setting {key}; there are {', '.join(kinds)}")
        try:
            values[key] = int(value, 0) if kinds[key] is int else float(value)
        except ValueError:
            raise ConfigError(f"memory {setting}: {value!r} is not a number") from None
    return replace(MODELS[name], **values)  # type: ignore[arg-type]  # checked just above
