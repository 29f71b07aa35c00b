# SPDX-License-Identifier: Apache-2.0
"""Move loads ahead of their first use, so that they run behind earlier computation.

Before: a serially correct stream, each load directly before its first use. After: the stream is
still serially correct; each load stands as early as the data it overwrites and reads allows, but
not more than a queue's depth of loads ahead of need: a full load queue would block the dispatcher.

    CONV a; CONV b; LOAD w; CONV c(w)   ->   CONV a; LOAD w; CONV b; CONV c(w)     (b does not touch
    w)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from accel.config import AccelConfig
from accel.footprint import footprint
from codegen.marks import Marks
from codegen.stream import Step


def hoist_loads(steps: Sequence[Step], config: AccelConfig) -> tuple[Step, ...]:
    """Reorder `steps`; loads keep their order among themselves, and so do all others."""
    touched, written = Marks(config), Marks(config)  # by other steps, as index + 1
    ahead: deque[int] = deque(maxlen=config.queue_depth - 1)
    earliest = 0
    places: list[tuple[int, int, int]] = []
    for index, step in enumerate(steps):
        mark = footprint(step.instruction, config)
        if step.instruction.name != "LOAD":
            touched.mark((*mark.reads, *mark.writes), index + 1)
            written.mark(mark.writes, index + 1)
            places.append((index, 1, index))
            continue
        crowd = ahead[0] if len(ahead) == ahead.maxlen else 0
        earliest = max(earliest, crowd, touched.latest(mark.writes), written.latest(mark.reads))
        ahead.append(index)
        places.append((earliest, 0, index))
    return tuple(steps[index] for _, _, index in sorted(places))
