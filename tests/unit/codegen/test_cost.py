# SPDX-License-Identifier: Apache-2.0
"""What the cost model must get right: who waits for whom, and what sets the pace."""

from __future__ import annotations

from accel.codec import decode
from accel.isa import COMMAND_WORDS
from codegen import ir
from codegen.cost import Bus, estimate, layer_ends
from codegen.pipeline import lower
from tests.unit.codegen.graphs import DEFAULT, Builder


def three_by_three(size: int, channels: int) -> Builder:
    builder = Builder()
    x = builder.input((1, size, size, channels))
    builder.conv(x, channels, ir.Window2d((3, 3), padding=(1, 1, 1, 1)))
    return builder


def test_a_full_array_sets_the_pace() -> None:
    """16x16 pixels, 64 channels: 9 x 4 x 4 passes of 256 cycles, and little else."""
    program = lower(three_by_three(16, 64).graph(), DEFAULT)
    ideal = 16 * 16 * 9 * 4 * 4
    assert ideal < estimate(program, DEFAULT).cycles < 1.06 * ideal


def test_a_slow_memory_sets_the_pace() -> None:
    program = lower(three_by_three(16, 64).graph(), DEFAULT)
    loaded = sum(
        v["row_bytes"] * v["rows"] * v["planes"]
        for v in (decode(row).values for row in program.words)
        if "sram" in v
    )
    cycles = estimate(program, DEFAULT, Bus(0, 1.0)).cycles
    assert cycles > loaded
    assert cycles > estimate(program, DEFAULT).cycles


def test_commands_start_in_the_order_of_their_tokens() -> None:
    builder = three_by_three(8, 16)
    builder.pool(builder.ops[-1].output, ir.PoolKind.MAX, ir.Window2d((2, 2), (2, 2)))
    program = lower(builder.graph(), DEFAULT)
    predicted = estimate(program, DEFAULT)
    ends = layer_ends(predicted, program)
    assert ends[0] < ends[1] <= predicted.cycles
    for span, index in zip(predicted.commands, range(len(program.words)), strict=True):
        assert span.end >= span.start >= COMMAND_WORDS * (index + 1)
