# SPDX-License-Identifier: Apache-2.0
"""Give every command the tokens it must wait for, from the memory it and earlier commands touch.

Before: a serially correct stream. After: any execution that honours queues and tokens gives the
same result as the serial one. A command waits for the last earlier command of each other unit that
wrote what it reads or overwrites, or read what it overwrites.

Commands of one unit keep their order, and a unit's writes leave in order, so within a unit only
reading an earlier result needs a token. Loads read memory that only stores write, stores write
memory that only loads read: they never depend on their own unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from accel.codec import Instruction
from accel.config import AccelConfig
from accel.footprint import footprint
from accel.isa import BY_NAME, QUEUES, Unit
from codegen.marks import Marks
from codegen.stream import Step


def assign_tokens(steps: Sequence[Step], config: AccelConfig) -> tuple[Step, ...]:
    """Fill the `wait_*` fields and append END, which waits for everything."""
    readers = {unit: Marks(config) for unit in QUEUES}
    writers = {unit: Marks(config) for unit in QUEUES}
    counts = dict.fromkeys(QUEUES, 0)
    result = []
    for step in steps:
        own = BY_NAME[step.instruction.name].unit
        mark = footprint(step.instruction, config)
        waits = {}
        for unit in QUEUES:
            wait = writers[unit].latest(mark.reads)
            if unit is not own:
                wait = max(
                    wait,
                    writers[unit].latest(mark.writes),
                    readers[unit].latest(mark.writes),
                )
            waits[_field(unit)] = wait
        counts[own] += 1
        readers[own].mark(mark.reads, counts[own])
        writers[own].mark(mark.writes, counts[own])
        values = {**step.instruction.values, **waits}
        result.append(replace(step, instruction=Instruction(step.instruction.name, values)))
    end = Instruction("END", {_field(unit): counts[unit] for unit in QUEUES})
    return (*result, Step(end, -1))


def _field(unit: Unit) -> str:
    return f"wait_{unit.name.lower()}"
