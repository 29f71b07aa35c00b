# SPDX-License-Identifier: Apache-2.0
"""Loops of the host reference in an order that vectorizes; each result's sum stays as it was.

TVM's default host code runs the reduction innermost, a fifth of a multiplication per cycle. With
the last output axis innermost and the first ones on all cores it is an order of magnitude faster,
so that large networks can be compared. The terms of a result are added in the same order as
before, so floats keep every bit as well.
"""

from __future__ import annotations

from math import prod
from typing import Any

import tvm
from tvm import relax
from tvm.s_tir import Schedule, ScheduleError

SHORTEST = 4
"""An innermost loop of fewer steps gains nothing."""
SMALLEST = 1 << 12
"""Fewer multiplications are not worth a thread."""
SPATIAL, REDUCTION = 0, 2
"""Kinds of TVM's iteration variables."""


def reference_pipeline() -> Any:
    """TVM's default pipeline, with reordered loops."""

    def run(module: Any, _: Any) -> Any:
        module = _reordered(relax.transform.LegalizeOps()(module))
        return relax.pipeline.default_build_pipeline()(module)

    return tvm.transform.module_pass(run, opt_level=0)


def _reordered(module: Any) -> Any:
    functions = {
        variable: _reorder(function) if isinstance(function, tvm.tirx.PrimFunc) else function
        for variable, function in module.functions.items()
    }
    return tvm.IRModule(functions, attrs=module.attrs)


def _reorder(function: Any) -> Any:
    schedule = Schedule(tvm.IRModule({"main": function.with_attr("global_symbol", "main")}))
    try:
        blocks = schedule.get_child_blocks(schedule.get_sblock("root"))
        changed = [_reorder_block(schedule, block) for block in blocks]
    except ScheduleError:  # a form of loops that we do not know runs as TVM has it
        return function
    if not any(changed):
        return function
    result = schedule.mod["main"].without_attr("global_symbol")
    return result.with_attrs(function.attrs) if function.attrs is not None else result


def _reorder_block(schedule: Any, block: Any) -> bool:
    """Output axes but the last, then the sum, then the last output axis."""
    loops = schedule.get_loops(block)
    kinds = [int(variable.iter_type) for variable in schedule.get(block).iter_vars]
    if len(loops) != len(kinds) or REDUCTION not in kinds:
        return False
    extents = [int(schedule.get(loop).extent) for loop in loops]
    outputs = [loop for loop, kind in zip(loops, kinds, strict=True) if kind == SPATIAL]
    sums = [loop for loop, kind in zip(loops, kinds, strict=True) if kind == REDUCTION]
    if not outputs or int(schedule.get(outputs[-1]).extent) < SHORTEST or prod(extents) < SMALLEST:
        return False
    schedule.reorder(*outputs[:-1], *sums, outputs[-1])
    if len(outputs) > 1:
        outer = schedule.fuse(*outputs[:-1])
        schedule.parallel(outer)
    schedule.decompose_reduction(block, sums[0])
    return True
