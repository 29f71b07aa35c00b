# SPDX-License-Identifier: Apache-2.0
"""What the cycles were spent on: the ARRAY counters, refined until each cycle says who is to blame.

The counters tell what the array did in every cycle. Two things they cannot tell are derived here:

* Of the BUSY cycles, how much was the op's own work. An array whose lanes are not all filled (a
  1 x 1 kernel of 3 channels on 16 lanes) is busy like a full one, and to the hardware padding is a
  channel like any other; only the program knows the op's multiply-accumulates. `USEFUL` is those
  over K * N, `EDGE` the rest of the busy cycles. Pixels of the padding count as work, as they do
  in the literature's MACs.
* A cycle charged to a command of the vector unit was spent on that command, whatever the array
  waited for meanwhile: `VECTOR`.

Nothing is rounded: K * N is a power of two, so floats hold the shares exactly, and they sum to the
cycles exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum

from accel.isa import ArrayCycle, Unit


class Use(IntEnum):
    """What cycles were spent on; in the order of reports."""

    USEFUL = 0
    EDGE = 1
    WEIGHT = 2
    ACTIVATION = 3
    ACCUMULATOR = 4
    LOAD = 5
    STORE = 6
    CONV = 7
    VECTOR = 8
    COMMAND = 9
    ISSUE = 10
    DRAIN = 11


USE_DOC = {
    Use.USEFUL: "busy with all lanes filled: MACs / (K × N)",
    Use.EDGE: "busy, but on lanes that the op does not fill",
    Use.WEIGHT: "waits for the next weight tile",
    Use.ACTIVATION: "waits for an activation: a depthwise row begins, or its SRAM bank was taken",
    Use.ACCUMULATOR: "waits for an accumulator: the output stage is behind",
    Use.LOAD: "waits for a load from memory",
    Use.STORE: "waits for a store to memory",
    Use.CONV: "waits for the output of an earlier convolution",
    Use.VECTOR: "the vector unit works, or is waited for",
    Use.COMMAND: "waits for the host's next command",
    Use.ISSUE: "a command is being set up",
    Use.DRAIN: "the last outputs leave",
}

Spent = dict[Use, float]
"""Cycles by use."""

USE_OF = {
    ArrayCycle.BUSY: Use.EDGE,  # until the useful part is taken out
    ArrayCycle.WEIGHT: Use.WEIGHT,
    ArrayCycle.ACTIVATION: Use.ACTIVATION,
    ArrayCycle.ACCUMULATOR: Use.ACCUMULATOR,
    ArrayCycle.DEP_LOAD: Use.LOAD,
    ArrayCycle.DEP_CONV: Use.CONV,
    ArrayCycle.DEP_VECTOR: Use.VECTOR,
    ArrayCycle.DEP_STORE: Use.STORE,
    ArrayCycle.COMMAND: Use.COMMAND,
    ArrayCycle.ISSUE: Use.ISSUE,
    ArrayCycle.DRAIN: Use.DRAIN,
}


def attribute(
    commands: Iterable[tuple[Unit, Sequence[int]]], macs: int, macs_per_cycle: int
) -> Spent:
    """Say what a layer's cycles were spent on; the values sum to its cycles exactly.

    Args:
        commands: of each of its commands the unit, and the cycles by `ArrayCycle`.
        macs: multiply-accumulates of the op itself.
        macs_per_cycle: multipliers of the array, K * N.
    """
    spent = dict.fromkeys(Use, 0.0)
    for unit, cycles in commands:
        for cause in ArrayCycle:
            spent[Use.VECTOR if unit == Unit.VECTOR else USE_OF[cause]] += cycles[cause]
    spent[Use.USEFUL] = macs / macs_per_cycle
    spent[Use.EDGE] -= spent[Use.USEFUL]
    return spent
