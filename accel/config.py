# SPDX-License-Identifier: Apache-2.0
"""Hardware configuration: one frozen object, read from TOML, from which everything is sized."""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from accel.errors import ConfigError
from accel.isa import TABLE_BYTES, Sram

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

LANES = (4, 8, 16, 32)
CONFIG_DIR = Path(__file__).parent / "configs"
KIB = 1024


@dataclass(frozen=True, slots=True)
class AccelConfig:
    """Parameters of one accelerator build. Every field is a parameter of `tessera_top`.

    Raises:
        ConfigError: on construction, when such hardware cannot be built; says which rule fails.
    """

    k_lanes: int = 16
    """K: input channels multiplied in a cycle; also the bytes of an activation word."""
    n_lanes: int = 16
    """N: output channels computed in a cycle; also the bytes of a weight word."""
    bus_bytes: int = 16
    """Width of the memory bus (AXI4), bytes."""
    act_kib: int = 128
    """Activation SRAM, KiB."""
    act_banks: int = 8
    """Banks of the activation SRAM, interleaved by word."""
    weight_kib: int = 64
    """Weight SRAM, KiB."""
    param_kib: int = 8
    """Parameter SRAM (bias, multiplier, shift), KiB."""
    acc_entries: int = 512
    """Accumulator entries of N int32, in two halves of equal size."""
    queue_depth: int = 8
    """Commands that each unit can queue."""
    read_bursts: int = 8
    """Read bursts that may be outstanding on the bus."""
    burst_beats: int = 16
    """Longest burst, beats."""
    vector: bool = True
    """Build the vector unit (pooling, element-wise addition and multiplication)."""
    depthwise: bool = True
    """Build the depthwise mode: kernel taps instead of input channels on the K lanes."""
    tables: int = 4
    """256-entry tables (sigmoid, hard-swish, ...) at the end of conv and vector unit; 0: none."""

    def __post_init__(self) -> None:
        for rule in RULES:
            message = rule(self)
            if message:
                raise ConfigError(message)

    @property
    def act_bytes(self) -> int:
        """Size of the activation SRAM, bytes."""
        return self.act_kib * KIB

    @property
    def weight_bytes(self) -> int:
        """Size of the weight SRAM, bytes."""
        return self.weight_kib * KIB

    @property
    def param_bytes(self) -> int:
        """Size of the parameter SRAM, bytes."""
        return self.param_kib * KIB

    @property
    def table_bytes(self) -> int:
        """Size of the table memory, bytes."""
        return self.tables * TABLE_BYTES

    def sram_bytes(self, sram: Sram) -> int:
        """Size of one of the memories that LOAD can write, bytes."""
        return {
            Sram.ACT: self.act_bytes,
            Sram.WEIGHT: self.weight_bytes,
            Sram.PARAM: self.param_bytes,
            Sram.TABLE: self.table_bytes,
        }[sram]

    @property
    def tile_pixels(self) -> int:
        """Most output pixels of a CONV tile: one accumulator half."""
        return self.acc_entries // 2

    @property
    def weight_tile_bytes(self) -> int:
        """Bytes of one K x N weight tile."""
        return self.k_lanes * self.n_lanes

    @property
    def param_record_bytes(self) -> int:
        """Bytes of one parameter record.

        N int32 biases, N int32 multipliers, N uint8 shifts, padded
        to whole bus beats.
        """
        return -(-9 * self.n_lanes // self.bus_bytes) * self.bus_bytes

    @property
    def words_per_vector(self) -> int:
        """K-byte words in an N-channel output vector."""
        return self.n_lanes // self.k_lanes

    @property
    def macs_per_cycle(self) -> int:
        """Multiply-accumulates in a cycle at full utilization."""
        return self.k_lanes * self.n_lanes

    def digest(self) -> str:
        """Short stable name of this configuration (hex)."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def _lanes(c: AccelConfig) -> str:
    if c.k_lanes not in LANES or c.n_lanes not in LANES:
        return f"k_lanes={c.k_lanes}, n_lanes={c.n_lanes}: each must be one of {LANES}"
    if c.n_lanes % c.k_lanes:
        return (
            f"n_lanes={c.n_lanes} is not a multiple of k_lanes={c.k_lanes}: an output vector must "
            "fill whole activation words; choose n_lanes >= k_lanes"
        )
    return ""


def _depthwise(c: AccelConfig) -> str:
    if c.depthwise and c.n_lanes != c.k_lanes:
        return (
            f"depthwise=true with k_lanes={c.k_lanes}, n_lanes={c.n_lanes}: the depthwise mode "
            "takes one activation word for all output lanes; set n_lanes = k_lanes or "
            "depthwise = false"
        )
    return ""


def _bus(c: AccelConfig) -> str:
    if c.bus_bytes not in (4, 8, 16, 32, 64):
        return f"bus_bytes={c.bus_bytes}: must be 4, 8, 16, 32 or 64"
    if c.weight_tile_bytes % c.bus_bytes:
        return (
            f"bus_bytes={c.bus_bytes} does not divide a weight tile of {c.weight_tile_bytes} bytes"
        )
    return ""


def _banks(c: AccelConfig) -> str:
    if c.act_banks not in (2, 4, 8, 16):
        return f"act_banks={c.act_banks}: must be 2, 4, 8 or 16"
    if c.act_banks * c.k_lanes < c.bus_bytes:
        return (
            f"act_banks={c.act_banks} of {c.k_lanes} bytes cannot take a bus beat of "
            f"{c.bus_bytes} bytes; raise act_banks"
        )
    return ""


def _memories(c: AccelConfig) -> str:
    for name, limit in (("act_kib", 8192), ("weight_kib", 8192), ("param_kib", 128)):
        value = getattr(c, name)
        if not 1 <= value <= limit or value & (value - 1):
            return f"{name}={value}: must be a power of two from 1 to {limit}"
    if 2 * c.weight_tile_bytes > c.weight_bytes:
        return (
            f"weight_kib={c.weight_kib} cannot hold two weight tiles of {c.weight_tile_bytes} bytes"
        )
    if 2 * c.param_record_bytes > c.param_bytes:
        return f"param_kib={c.param_kib} cannot hold two records of {c.param_record_bytes} bytes"
    return ""


def _tables(c: AccelConfig) -> str:
    if c.tables not in (0, 1, 2, 4, 8):
        return f"tables={c.tables}: must be 0 (none), 1, 2, 4 or 8"
    return ""


def _accumulator(c: AccelConfig) -> str:
    n = c.acc_entries
    if not 2 * c.k_lanes <= n <= 8192 or n & (n - 1):
        return f"acc_entries={n}: must be a power of two from {2 * c.k_lanes} (2 x k_lanes) to 8192"
    return ""


def _queues(c: AccelConfig) -> str:
    for name, low, high in (
        ("queue_depth", 2, 64),
        ("read_bursts", 1, 64),
        ("burst_beats", 1, 256),
    ):
        value = getattr(c, name)
        if not low <= value <= high or value & (value - 1):
            return f"{name}={value}: must be a power of two from {low} to {high}"
    if c.burst_beats * c.bus_bytes > 4096:
        return f"burst_beats={c.burst_beats} x bus_bytes={c.bus_bytes} crosses the 4 KiB AXI limit"
    return ""


RULES = (_lanes, _bus, _banks, _memories, _accumulator, _queues, _depthwise, _tables)
"""What can be built; each rule returns "" or the reason why not."""


def parse_config(data: dict[str, Any], origin: str) -> AccelConfig:
    """Build a configuration from a table that gives every parameter.

    Args:
        data: parameter name to value.
        origin: where `data` comes from, for messages.

    Raises:
        ConfigError: unknown or missing parameter, wrong type, or hardware that cannot be built.
    """
    expected = {f.name: type(f.default) for f in fields(AccelConfig)}
    unknown = sorted(set(data) - set(expected))
    missing = sorted(set(expected) - set(data))
    if unknown:
        raise ConfigError(f"{origin}: unknown parameter {', '.join(unknown)}")
    if missing:
        raise ConfigError(f"{origin}: missing parameter {', '.join(missing)}")
    for name, kind in expected.items():
        if type(data[name]) is not kind:
            raise ConfigError(f"{origin}: {name}={data[name]!r} must be of type {kind.__name__}")
    try:
        return AccelConfig(**data)
    except ConfigError as error:
        raise ConfigError(f"{origin}: {error}") from None


def load_config(name_or_path: str | Path) -> AccelConfig:
    """Read a configuration: a TOML file, or the name of one in `accel/configs`.

    Raises:
        ConfigError: no such file, not TOML, or what `parse_config` refuses.
    """
    path = Path(name_or_path)
    if not path.suffix:
        path = CONFIG_DIR / f"{path}.toml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in CONFIG_DIR.glob("*.toml")))
        raise ConfigError(f"no configuration {name_or_path}; named ones are: {known}")
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    return parse_config(data, str(path))
