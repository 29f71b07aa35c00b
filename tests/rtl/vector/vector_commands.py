# SPDX-License-Identifier: Apache-2.0
"""Random POOL, ADD and MUL commands, for a machine of any size."""

from __future__ import annotations

import random

from accel.codec import Instruction
from accel.config import AccelConfig
from tests.rtl.unit_bench import limits

Values = dict[str, int]


def pool(config: AccelConfig, number: int, **changes: int) -> Instruction:
    """Average of 2x2 windows over 4x4 pixels; `changes` replace fields."""
    k = config.k_lanes
    values = {
        "in_addr": 0, "in_plane": 16 * k, "in_pitch": 4 * k, "in_h": 4, "in_w": 4,
        "pad_top": 0, "pad_left": 0, "kernel_h": 2, "kernel_w": 2, "stride_y": 2, "stride_x": 2,
        "kind": 1, "rounding": 0, "bias": 5, "multiplier": 1 << 30, "shift": 31,
    } | _common(config, number)  # fmt: skip
    return Instruction("POOL", values | changes)


def add(config: AccelConfig, number: int, **changes: int) -> Instruction:
    """Sum of two tensors of 2x2 pixels; `changes` replace fields."""
    k = config.k_lanes
    values = {
        "a_addr": 0, "a_plane": 4 * k, "a_pitch": 2 * k, "b_addr": 8 * k, "b_plane": 4 * k,
        "b_pitch": 2 * k, "a_zp": 3, "b_zp": -4, "a_mult": 1 << 19, "b_mult": 3 << 18, "shift": 20,
        "b_repeat": 0, "rounding": 0, "a_shift": 0, "b_shift": 0, "sum_mult": 0,
    } | _common(config, number)  # fmt: skip
    return Instruction("ADD", values | changes)


def mul(config: AccelConfig, number: int, **changes: int) -> Instruction:
    """Product of two tensors of 2x2 pixels; `changes` replace fields."""
    values = {**add(config, number).values, "multiplier": 1 << 13}
    for name in ("a_mult", "b_mult", "a_shift", "b_shift", "sum_mult"):
        del values[name]
    return Instruction("MUL", values | changes)


def _common(config: AccelConfig, number: int) -> Values:
    k = config.k_lanes
    return {
        "id": number, "wait_load": 0, "wait_conv": 0, "wait_vector": 0, "wait_store": 0,
        "blocks": 1, "out_addr": config.act_bytes // 2, "out_plane": 4 * k, "out_pitch": 2 * k,
        "out_step": k, "use_table": 0,
        "out_h": 2, "out_w": 2, "out_zp": -2, "clip_lo": -128, "clip_hi": 127,
    }  # fmt: skip


def stream(config: AccelConfig, count: int) -> list[Instruction]:
    """Commands that read the first third of ACT, or what their predecessor wrote."""
    commands: list[Instruction] = []
    while len(commands) < count:
        command = _random(config, len(commands))
        if command is not None:
            commands.append(command)
    return commands


def _random(config: AccelConfig, number: int) -> Instruction | None:
    """None if it does not fit the memory."""
    k = config.k_lanes
    part = config.act_bytes // 3 // k * k
    follow = number > 0 and random.random() < 0.4
    source = (1 + (number - 1) % 2) * part if follow else 0
    low, high = limits()
    v = {
        "wait_vector": number if follow else 0, "blocks": random.randint(1, 3),
        "out_h": random.randint(1, 6), "out_w": random.randint(1, 6), "clip_lo": low,
        "clip_hi": high, "out_zp": random.randrange(-128, 128),
    }  # fmt: skip
    fits = True

    def place(name: str, height: int, width: int, base: int, step: int = k) -> None:
        nonlocal fits
        pitch = width * step + random.randint(0, 2) * k
        plane = height * pitch + random.randint(0, 3) * k
        free = part - v["blocks"] * plane
        fits &= free >= k
        near = free < k or random.random() < 0.5  # so that a tensor meets the one before
        start = base + (0 if near else random.randrange(free // k) * k)
        v.update({f"{name}_pitch": pitch, f"{name}_plane": plane, f"{name}_addr": start})

    v["out_step"] = random.choice((k, k, 3 * k))
    v["use_table"] = random.choice((0, random.randint(0, config.tables)))
    place("out", v["out_h"], v["out_w"], (1 + number % 2) * part, v["out_step"])
    if random.random() < 0.5:
        place("a", v["out_h"], v["out_w"], source)
        place("b", v["out_h"], v["out_w"], source)
        v |= {name: random.randrange(-128, 128) for name in ("a_zp", "b_zp")}
        v["b_repeat"] = random.choice((0, 0, 1))
        if v["b_repeat"] and random.random() < 0.5:
            v["b_pitch"] = 0
        v["shift"] = random.choice([1, 19, 20, 20, 21, 62])
        v["rounding"] = random.randrange(2)
        if v["rounding"]:
            v["shift"] = random.choice([20, 30, 31, 32, 36, 40])
        if v["rounding"] and random.random() < 0.5:
            v["multiplier"] = random.randrange(1 << 31)
            return mul(config, number, **v) if fits else None
        if v["rounding"]:
            v |= {
                name: random.choice((-1, 1, 1)) * random.randrange(1 << 31)
                for name in ("a_mult", "b_mult")
            }
            v |= {name: random.choice((0, 0, 1, 3, 31)) for name in ("a_shift", "b_shift")}
            v["sum_mult"] = random.randrange(1 << 31)
            v["shift"] = random.choice([31, 45, 50, 52, 60])
            return add(config, number, **v) if fits else None
        if random.random() < 0.5:
            v["multiplier"] = random.randrange(-(1 << 13), 1 << 13)
            return mul(config, number, **v) if fits else None
        v |= {name: random.randrange(-(1 << 20), 1 << 20) for name in ("a_mult", "b_mult")}
        return add(config, number, **v) if fits else None
    for name, choices in (
        ("kind", (0, 1)), ("kernel_h", (1, 2, 3, 5)), ("kernel_w", (1, 2, 3, 5)),
        ("stride_y", (1, 1, 2, 3)), ("stride_x", (1, 1, 2, 3)), ("pad_top", (0, 0, 1, 2, 6)),
        ("pad_left", (0, 0, 1, 2, 6)), ("in_h", range(1, 12)), ("in_w", range(1, 12)),
        ("shift", (30, 31, 32, 34)), ("bias", range(-200, 200)),
    ):  # fmt: skip
        v[name] = random.choice(choices)
    v["multiplier"] = random.randrange(1 << 31)
    v["rounding"] = random.randrange(2)
    place("in", v["in_h"], v["in_w"], source)
    return pool(config, number, **v) if fits else None
