# SPDX-License-Identifier: Apache-2.0
"""How many cycles a program takes: a model of the units' timing, without their data.

Commands are taken in program order. Each unit works its queue off in order; a command starts when
it has arrived, its unit is free and its tokens are there (the rules of accel/isa.py). What a
command takes follows from its fields:

| unit | cycles |
|---|---|
| load, store | beats over the bandwidth, or the latency over the bursts that may be outstanding |
| conv | per n-block: passes x max(pixels, K); the output stage drains a block beside the next |
| vector | one tap of one word per cycle |

Constants are pipeline depths of the RTL. `tests/e2e/test_cost.py` compares with RTL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from accel.codec import Instruction, decode
from accel.config import AccelConfig
from accel.isa import BY_NAME, COMMAND_WORDS, QUEUES, ConvMode, Unit
from accel.program import Program

DISPATCH = 1
"""From a command's last word to the head of an empty unit queue."""
CONV_START = 1
"""From there to the first pixel in the array, weights being loaded."""
ARRAY_DEPTH = 5
"""From a pixel entering the array to its sum being readable."""
OUTPUT_DEPTH = 4
"""From a sum being read to its word being in the SRAM."""
VECTOR_DEPTH = 6
BUS_START = 2
"""From a transfer's start to its first burst on the bus."""
BUS_END = 1
"""From the last beat or response to the token."""


@dataclass(frozen=True, slots=True)
class Bus:
    """Timing of the memory behind the bus."""

    latency: int = 40
    """Cycles from a burst's address to its first beat, or from its last beat to the response."""
    bytes_per_cycle: float = 16.0


@dataclass(frozen=True, slots=True)
class Span:
    """When a command is at work, cycles since the first command word."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """Predicted timing of a program."""

    commands: tuple[Span, ...]
    cycles: int
    """Until END."""


def estimate(program: Program, config: AccelConfig, bus: Bus | None = None) -> Estimate:
    """Predict the cycles of `program`."""
    instructions = [decode(row) for row in program.words]
    return estimate_stream(instructions, config, bus or Bus())


def estimate_stream(instructions: Sequence[Instruction], config: AccelConfig, bus: Bus) -> Estimate:
    """Predict the cycles of a command stream that ends with END."""
    model = _Machine(config, bus)
    spans = tuple(model.execute(instruction) for instruction in instructions)
    return Estimate(spans, spans[-1].end if spans else 0)


def layer_ends(estimate_: Estimate, program: Program) -> dict[int, int]:
    """Layer -> cycle in which its last command ends."""
    ends: dict[int, int] = {}
    for span, layer in zip(estimate_.commands, program.layer_of, strict=True):
        ends[layer] = max(ends.get(layer, 0), span.end)
    return ends


@dataclass
class _Machine:
    """What the past commands leave behind."""

    config: AccelConfig
    bus: Bus
    pushed: list[int] = field(default_factory=list)
    """Cycle in which each command's last word arrived."""
    dispatched: list[int] = field(default_factory=list)
    taken: dict[Unit, list[int]] = field(default_factory=lambda: {u: [] for u in QUEUES})
    """Cycle in which each command left its unit's queue."""
    ends: dict[Unit, list[int]] = field(default_factory=lambda: {u: [] for u in QUEUES})
    """Cycle of each completion."""
    free: dict[Unit, int] = field(default_factory=lambda: dict.fromkeys(QUEUES, 0))
    """When a unit's bottleneck (bus channel, array, vector walker) is free."""
    drains: list[int] = field(default_factory=lambda: [0, 0])
    """When the output stage was done with the last two n-blocks."""

    def execute(self, instruction: Instruction) -> Span:
        """Take the next command in program order."""
        v, unit = instruction.values, BY_NAME[instruction.name].unit
        arrived = self._arrive(unit)
        tokens = {u: self._token(u, v[f"wait_{u.name.lower()}"]) for u in QUEUES}
        ready = max(arrived, *tokens.values())
        if unit is Unit.DISPATCH:
            end = max(ready, *(ends[-1] for ends in self.ends.values() if ends)) + 1
            return Span(ready, end)
        match unit:
            case Unit.CONV:
                span, taken = self._conv(v, ready, max(arrived, tokens[Unit.LOAD]))
            case Unit.VECTOR:
                span, taken = self._vector(instruction.name, v, ready)
            case _:
                span, taken = self._transfer(unit, v, ready)
        self.taken[unit].append(taken)
        self.ends[unit].append(span.end)
        return span

    def _arrive(self, unit: Unit) -> int:
        """When the command is at the head of its unit's queue, or waits only for older ones."""
        depth = self.config.queue_depth
        push = (self.pushed[-1] if self.pushed else 0) + COMMAND_WORDS
        if len(self.dispatched) >= depth:
            push = max(push, self.dispatched[-depth] + 1)
        self.pushed.append(push)
        dispatch = max(push + DISPATCH, self.dispatched[-1] + 1 if self.dispatched else 0)
        if unit in self.taken and len(self.taken[unit]) >= depth:
            dispatch = max(dispatch, self.taken[unit][-depth] + 1)
        self.dispatched.append(dispatch)
        return dispatch

    def _token(self, unit: Unit, count: int) -> int:
        return self.ends[unit][count - 1] + 1 if count else 0

    def _conv(self, v: Mapping[str, int], ready: int, loaded: int) -> tuple[Span, int]:
        k = self.config.k_lanes
        pixels = v["out_h"] * v["out_w"]
        passes = v["kernel_h"] * v["kernel_w"] * v["cin_blocks"]
        reads = pixels
        if v["mode"] != ConvMode.DENSE:
            passes = v["passes"]
        if v["mode"] == ConvMode.DEPTHWISE:
            reads += v["out_h"] * max(0, -(-(v["kernel_w"] - v["stride_x"]) // 2))
        block = passes * max(reads, k)
        words = pixels * self.config.words_per_vector
        start = now = max(self.free[Unit.CONV], ready + CONV_START, loaded + CONV_START + k)
        for _ in range(v["n_blocks"]):
            now = max(now, self.drains[-2] + 1 if v["first"] else 0) + block
            if v["last"]:
                self.drains.append(max(self.drains[-1], now + ARRAY_DEPTH) + words + 1)
        self.free[Unit.CONV] = now
        end = self.drains[-1] + OUTPUT_DEPTH if v["last"] else now + ARRAY_DEPTH
        return Span(start, end), max(ready, start - block)

    def _vector(self, name: str, v: Mapping[str, int], ready: int) -> tuple[Span, int]:
        taps = v["kernel_h"] * v["kernel_w"] if name == "POOL" else 1
        start = max(self.free[Unit.VECTOR], ready)
        end = start + v["out_h"] * v["out_w"] * v["blocks"] * taps + VECTOR_DEPTH
        self.free[Unit.VECTOR] = end
        return Span(start, end), start

    def _transfer(self, unit: Unit, v: Mapping[str, int], ready: int) -> tuple[Span, int]:
        config, latency = self.config, self.bus.latency
        beat_cycles = max(1.0, config.bus_bytes / self.bus.bytes_per_cycle)
        row_beats = v["row_bytes"] // config.bus_bytes
        row_bursts = -(-row_beats // config.burst_beats)
        rows = v["rows"] * v["planes"]
        # Each outstanding burst comes round once in a latency.
        turn = (latency + BUS_START) / config.read_bursts
        length = rows * max(row_beats * beat_cycles, row_bursts * turn)
        start = max(ready, self.free[unit] - latency)
        if unit is Unit.LOAD:
            first = max(ready + BUS_START + latency, self.free[unit])
            last = first + round(length)
            end = last + BUS_END
        else:
            last = max(ready + BUS_START, self.free[unit]) + round(length)
            end = last + latency + BUS_END
        self.free[unit] = last
        return Span(start, end), max(ready, last - round(length) - latency)
