# SPDX-License-Identifier: Apache-2.0
"""What a command must satisfy before the hardware starts it (`Cause.FIELD` otherwise).

The RTL checks the same rules when a unit takes the command: `tessera_burst_walker` for LOAD and
STORE, `tessera_conv_issue` for CONV, `tessera_vector_check` for POOL and ADD.

| command | rule |
|---|---|
| all with sizes | no count, size, kernel, stride or dilation is 0 |
| LOAD, STORE | window is 0 to 3; offset, SRAM address, row length and strides are multiples of the
bus |
| LOAD | sram is 0 to 3 |
| CONV, POOL, ADD, MUL | ACT addresses, planes, pitches and steps are multiples of K; not in_addr of
FOLD |
| CONV, POOL, ADD, MUL | out_step is not 0; use_use_use_table is at most the number of tables |
| CONV | weight_addr is a multiple of N, param_addr of the bus; mode is 0 to 2 |
| CONV | centered only in DENSE; transposed needs N = K |
| CONV, DEPTHWISE or FOLD | passes is not 0; pass_rows is 1 to 4; cin_blocks and dilation_x are 1;
the rows of a pass do not share banks |
| DEPTHWISE | the mode is built; stride_x is 1 or 2; pass_rows * kernel_w is at most K |
| FOLD | channels is 1 to 8; fold_bytes is at least K / 4 |
| CONV | out_h * out_w is at most half of the accumulator entries |
| CONV | n_blocks is 1 when first or last is 0; add_shift is 1 to 62 with residual |
| POOL | kind is 0 or 1; AVERAGE: shift is 1 to 62, multiplier below 2^31 |
| ADD, MUL | shift is 1 to 62 |
| ADD, rounding 1 | sum_mult is below 2^31, neither a_mult nor b_mult is -2^31 |
| MUL, rounding 1 | multiplier is not negative |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from accel.banks import Gather, fold_words
from accel.codec import Instruction
from accel.config import AccelConfig
from accel.isa import BY_NAME, GATHER_ROWS, ConvMode, PoolKind, Rounding, Sram
from accel.program import Window

SIZES = frozenset(
    [
        "row_bytes",
        "rows",
        "planes",
        "in_h",
        "in_w",
        "kernel_h",
        "kernel_w",
        "stride_y",
        "stride_x",
        "dilation_y",
        "dilation_x",
        "cin_blocks",
        "n_blocks",
        "blocks",
        "out_h",
        "out_w",
        "out_step",
    ]
)
"""Fields that must not be 0."""

SHIFTS = range(1, 63)
MOST_CHANNELS = 8
"""Of a FOLD pixel."""
DEPTHWISE_STRIDES = (1, 2)


def legal(instruction: Instruction, config: AccelConfig) -> bool:
    """Whether every field holds a value that hardware of `config` can execute."""
    v = instruction.values
    names = [field.name for field in BY_NAME[instruction.name].fields]
    if any(v[name] == 0 for name in names if name in SIZES):
        return False
    if v.get("use_table", 0) > config.tables:
        return False
    match instruction.name:
        case "LOAD" | "STORE":
            places = [
                name for name in names if name.endswith(("offset", "addr", "stride", "bytes"))
            ]
            return (
                _aligned((v[name] for name in places), config.bus_bytes)
                and v["window"] < len(Window)
                and v.get("sram", 0) <= Sram.TABLE
            )
        case "CONV":
            return _legal_conv(v, names, config)
        case "POOL":
            average = v["kind"] == PoolKind.AVERAGE
            return (
                _aligned_act(v, names, config)
                and v["kind"] <= PoolKind.AVERAGE
                and (not average or (v["shift"] in SHIFTS and v["multiplier"] < 1 << 31))
            )
        case "ADD" | "MUL":
            twice = v["rounding"] == Rounding.DOUBLE
            return (
                _aligned_act(v, names, config)
                and v["shift"] in SHIFTS
                and (not twice or _legal_twice(v))
            )
    return True


def _legal_twice(v: Mapping[str, int]) -> bool:
    """An ADD or MUL that rounds twice."""
    if "multiplier" in v:
        return v["multiplier"] >= 0
    return v["sum_mult"] < 1 << 31 and -(1 << 31) not in (v["a_mult"], v["b_mult"])


def _aligned(values: Iterable[int], multiple: int) -> bool:
    return all(value % multiple == 0 for value in values)


def _aligned_act(v: Mapping[str, int], names: Iterable[str], config: AccelConfig) -> bool:
    own = {"weight_addr", "param_addr"}
    if v.get("mode") == ConvMode.FOLD:
        own.add("in_addr")
    places = [
        n
        for n in names
        if n.endswith(("addr", "plane", "pitch", "group", "out_step")) and n not in own
    ]
    return _aligned((v[name] for name in places), config.k_lanes)


def _legal_conv(v: Mapping[str, int], names: Iterable[str], config: AccelConfig) -> bool:
    return (
        _aligned_act(v, names, config)
        and v["weight_addr"] % config.n_lanes == 0
        and v["param_addr"] % config.bus_bytes == 0
        and _legal_mode(v, config)
        and (not v["centered"] or v["mode"] == ConvMode.DENSE)
        and (not v["transposed"] or config.n_lanes == config.k_lanes)
        and v["out_h"] * v["out_w"] <= config.tile_pixels
        and (v["n_blocks"] == 1 or (v["first"] == 1 and v["last"] == 1))
        and (not v["residual"] or v["add_shift"] in SHIFTS)
    )


def _legal_mode(v: Mapping[str, int], config: AccelConfig) -> bool:
    match v["mode"]:
        case ConvMode.DENSE:
            return True
        case ConvMode.DEPTHWISE:
            return (
                config.depthwise
                and v["stride_x"] in DEPTHWISE_STRIDES
                and v["pass_rows"] * v["kernel_w"] <= config.k_lanes
                and _legal_gather(v, 2, config)
            )
        case ConvMode.FOLD:
            return (
                1 <= v["channels"] <= MOST_CHANNELS
                and v["fold_bytes"] * GATHER_ROWS >= config.k_lanes
                and _legal_gather(v, fold_words(v["fold_bytes"], config), config)
            )
    return False


def _legal_gather(v: Mapping[str, int], words: int, config: AccelConfig) -> bool:
    return (
        v["passes"] > 0
        and 1 <= v["pass_rows"] <= GATHER_ROWS
        and v["cin_blocks"] == 1
        and v["dilation_x"] == 1
        and Gather(v["pass_rows"], v["dilation_y"], words).legal(v["in_pitch"], config)
    )
