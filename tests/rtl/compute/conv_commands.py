# SPDX-License-Identifier: Apache-2.0
"""Random CONV commands and memory contents, for a machine of any size."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import numpy as np

from accel.codec import Instruction
from accel.config import AccelConfig
from accel.isa import GATHER_ROWS, ConvMode, Sram
from accel.model.state import State
from accel.rules import legal
from tests.rtl.unit_bench import limits

Values = dict[str, int]


def dense(config: AccelConfig, number: int, **changes: int) -> Values:
    """A plain 1x1 convolution of 4x4 pixels; `changes` replace fields."""
    k = config.k_lanes
    size = {"out_h": 4, "out_w": 4, "kernel_h": 1, "kernel_w": 1} | changes
    values = {
        "id": number, "wait_load": 0, "wait_conv": 0, "wait_vector": 0, "wait_store": 0,
        "in_addr": 0, "in_plane": 16 * k, "in_pitch": 4 * k, "in_h": 4, "in_w": 4,
        "pad_top": 0, "pad_left": 0, "in_group": 0, "stride_y": 1, "stride_x": 1,
        "dilation_y": 1, "dilation_x": 1, "cin_blocks": 1, "n_blocks": 1,
        "weight_addr": 0, "param_addr": 0,
        "out_addr": config.act_bytes // 2,
        "out_plane": size["out_h"] * size["out_w"] * k, "out_pitch": size["out_w"] * k,
        "out_step": k,
        "mode": 0, "passes": 0, "pass_rows": 0, "fold_bytes": 0, "channels": 0, "rounding": 0,
        "first": 1, "last": 1, "residual": 0, "in_zp": 3,
        "centered": 0, "weight_zp": 0, "transposed": 0, "use_table": 0,
        "out_zp": -5, "clip_lo": -120, "clip_hi": 127,
        "res_addr": 0, "res_plane": 0, "res_pitch": 0, "res_zp": 2,
        "add_self_mult": 1 << 20, "add_res_mult": 1 << 19, "add_shift": 20,
        "add_zp": 1, "add_lo": -128, "add_hi": 127,
    }  # fmt: skip
    return values | size


def passes(v: Values) -> int:
    """Passes (weight tiles) of an n-block."""
    dense_passes = v["cin_blocks"] * v["kernel_h"] * v["kernel_w"]
    return dense_passes if v["mode"] == ConvMode.DENSE else v["passes"]


def depthwise(config: AccelConfig, number: int, pass_rows: int, **changes: int) -> Values:
    """A depthwise convolution; `changes` replace fields of `dense`."""
    v = dense(config, number, mode=ConvMode.DEPTHWISE, pass_rows=pass_rows, **changes)
    return v | {"passes": -(-v["kernel_h"] // pass_rows), "in_group": v["in_plane"]}


def fold(config: AccelConfig, number: int, channels: int, **changes: int) -> Values:
    """A convolution of a packed input at the smallest legal pitch; `changes` replace fields."""
    k = config.k_lanes
    v = dense(config, number, mode=ConvMode.FOLD, channels=channels, **changes)
    width = v["fold_bytes"] = max(v["kernel_w"] * channels, k // 4)
    v["passes"] = -(-v["kernel_h"] * width // k)
    v["pass_rows"] = max((first % width + k - 1) // width + 1 for first in range(0, width * k, k))
    v["in_pitch"] = -(-v["in_w"] * channels // k) * k
    while not legal(Instruction("CONV", v), config):
        v["in_pitch"] += k
    return v


def fill(state: State) -> None:
    """Random activations and weights; parameters that give results of all sizes."""
    config = state.config
    for sram in (Sram.ACT, Sram.WEIGHT, Sram.TABLE):
        data = state.srams[sram]
        data[:] = np.frombuffer(random.randbytes(data.size), np.uint8)
    lanes, size = config.n_lanes, config.param_record_bytes
    for start in range(0, config.param_bytes - size + 1, size):
        record = state.srams[Sram.PARAM][start : start + size]
        bias = [random.randint(-30000, 30000) for _ in range(lanes)]
        multiplier = [random.randrange(1 << 29, 1 << 31) for _ in range(lanes)]
        shift = [random.choice([1, 36, 38, 40, 40, 41, 42, 62]) for _ in range(lanes)]
        record[: 4 * lanes] = np.array(bias, "<i4").view(np.uint8)
        record[4 * lanes : 8 * lanes] = np.array(multiplier, "<u4").view(np.uint8)
        record[8 * lanes : 9 * lanes] = shift


@dataclass
class Stream:
    """Makes commands whose tokens cover every hazard.

    ACT is cut in three: data that nobody writes, then two parts that are written in turn. A command
    reads the first part, or waits for its predecessor and reads what that wrote.
    """

    config: AccelConfig
    commands: list[Instruction] = field(default_factory=list)
    tensors: int = 0

    def add(self) -> None:
        """Append a random convolution, perhaps in chunks."""
        while (values := self._random(len(self.commands))) is None:
            pass
        chunks = random.choice([1, 1, 2, 3]) if values["n_blocks"] == 1 else 1
        for chunk in range(chunks):
            last = chunk == chunks - 1
            part = values | {"first": int(chunk == 0), "last": int(last)}
            if chunk:
                part["weight_addr"] = self._weights(part)
                part["in_zp"] = random.randrange(-128, 128)
            part["id"] = len(self.commands)
            self.commands.append(Instruction("CONV", part))
        self.tensors += 1

    def _weights(self, v: Values) -> int:
        config = self.config
        tiles = v["n_blocks"] * passes(v)
        free = config.weight_bytes - tiles * config.weight_tile_bytes
        return random.randrange(free // config.n_lanes + 1) * config.n_lanes if free >= 0 else -1

    def _random(self, number: int) -> Values | None:
        """None if it does not fit the memories."""
        config, k = self.config, self.config.k_lanes
        part = config.act_bytes // 3 // k * k
        follow = number > 0 and random.random() < 0.4
        source, target = (2 - self.tensors % 2, 1 + self.tensors % 2)
        v = dense(config, number)
        pixels = random.choice([1, 2, k, config.tile_pixels, random.randint(1, config.tile_pixels)])
        v["out_w"] = random.randint(1, min(pixels, 9))
        v["out_h"] = max(1, pixels // v["out_w"])
        for name, choices in (
            ("kernel_h", (1, 1, 2, 3)), ("kernel_w", (1, 1, 2, 3)), ("stride_y", (1, 1, 2, 3)),
            ("stride_x", (1, 1, 2, 3)), ("dilation_y", (1, 1, 2)), ("dilation_x", (1, 1, 3)),
            ("pad_top", (0, 0, 1, 2, 5)), ("pad_left", (0, 0, 1, 2, 5)), ("cin_blocks", (1, 2, 3)),
            ("n_blocks", (1, 1, 2, 3)), ("residual", (0, 0, 1)), ("in_h", range(1, 12)),
            ("in_w", range(1, 12)),
        ):  # fmt: skip
            v[name] = random.choice(choices)
        columns = self._mode(v)
        v["wait_conv"] = number if follow else 0
        for name in ("in_zp", "out_zp", "res_zp", "add_zp"):
            v[name] = random.randrange(-128, 128)
        if v["mode"] == ConvMode.DENSE:
            v["centered"] = random.randrange(2)
        v["weight_zp"] = random.choice((0, 0, random.randrange(-128, 128)))
        v["transposed"] = random.randrange(2) if config.n_lanes == k else 0
        v["rounding"] = random.randrange(2)
        v["use_table"] = random.choice((0, random.randint(0, config.tables)))
        v["out_step"] = random.choice((k, k, 2 * k))
        v["clip_lo"], v["clip_hi"] = limits()
        v["add_lo"], v["add_hi"] = limits()
        v["add_shift"] = random.choice([1, 19, 20, 20, 21, 62])
        v["add_self_mult"] = random.randrange(-(1 << 20), 1 << 20)

        def place(name: str, size: tuple[int, int, int], base: int) -> int:
            """Choose pitch, plane and address of a tensor; its end relative to `base`."""
            rows, columns, planes = size
            step = v["out_step"] if name == "out" else k
            v[f"{name}_pitch"] = columns * step + random.randint(0, 2) * k
            v[f"{name}_plane"] = rows * v[f"{name}_pitch"] + random.randint(0, 3) * k
            free = part - planes * v[f"{name}_plane"]
            near = free < k or random.random() < 0.5  # so that a tensor meets the one before
            v[f"{name}_addr"] = base + (0 if near else random.randrange(free // k) * k)
            return free

        vectors = v["n_blocks"] * config.words_per_vector
        tile = v["out_h"], v["out_w"], vectors
        grouped = random.random() < 0.3
        planes = v["cin_blocks"] * (v["n_blocks"] if grouped else 1)
        free = min(
            place("in", (v["in_h"], columns, planes), source * part * follow),
            place("res", tile, source * part * follow),
            place("out", tile, target * part),
        )
        v["in_group"] = v["cin_blocks"] * v["in_plane"] if grouped else 0
        if v["mode"] == ConvMode.FOLD:
            v["in_addr"] += random.randrange(k)
        v["weight_addr"] = self._weights(v)
        records = config.param_bytes // config.param_record_bytes
        if free < 0 or v["weight_addr"] < 0 or records < v["n_blocks"]:
            return None
        v["param_addr"] = random.randint(0, records - v["n_blocks"]) * config.param_record_bytes
        return v if legal(Instruction("CONV", v), config) else None

    def _mode(self, v: Values) -> int:
        """Choose how the array is fed; returns the words of an input row."""
        k = self.config.k_lanes
        modes = [ConvMode.DENSE, ConvMode.FOLD]
        v["mode"] = random.choice(modes + [ConvMode.DEPTHWISE] * self.config.depthwise)
        if v["mode"] == ConvMode.DENSE:
            return v["in_w"]
        v["cin_blocks"], v["dilation_x"] = 1, 1
        v["kernel_h"] = random.choice((1, 2, 3, 3, 5))
        v["kernel_w"] = random.choice((1, 2, 3, 4, 5))
        v["pass_rows"] = random.randint(1, GATHER_ROWS)
        if v["mode"] == ConvMode.DEPTHWISE:
            v["passes"] = -(-v["kernel_h"] // v["pass_rows"])
            return v["in_w"]
        v["channels"] = random.randint(1, 8)
        v["in_w"] = random.randint(1, 30)
        v["fold_bytes"] = v["kernel_w"] * v["channels"] + random.choice((0, 0, 1))
        v["passes"] = max(1, -(-v["kernel_h"] * v["fold_bytes"] // k) - random.choice((0, 0, 1)))
        return -(-v["in_w"] * v["channels"] // k) + 1  # the first pixel may begin within a word
