# SPDX-License-Identifier: Apache-2.0
"""Which change of the configuration would admit an op that does not fit?

The answer is searched, not derived: the fewest parameters, moved the least, for which every rule of
codegen/fits.py holds. So it also knows changes that need each other, as k_lanes and n_lanes do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import combinations, product
from typing import Any

from accel.config import LANES, AccelConfig
from accel.errors import ConfigError
from codegen import ir
from codegen.fits import OF_THE_MODEL, problem, reason
from codegen.refusal import Refusal, rule_of

SEARCHED = (
    "k_lanes",
    "n_lanes",
    "bus_bytes",
    "act_kib",
    "act_banks",
    "weight_kib",
    "depthwise",
    "vector",
    "tables",
)
"""Parameters that a rule of codegen/fits.py, or of the configuration itself, reads."""
MOST_CHANGES = 3
MOST_DOUBLINGS = 6
LANES_EFFORT = 3
"""Another array is a larger change than another memory."""
LARGEST_KIB = 8192
Value = int | bool
Changes = Mapping[str, Any]
"""Parameter -> its new value."""


def does_not_fit(
    op: ir.Op, tensors: Mapping[str, ir.Tensor], config: AccelConfig
) -> Refusal | None:
    """The rule of codegen/fits.py that `op` fails, and what admits it; None when it fits."""
    found = problem(op, tensors, config)
    if found is None:
        return None
    check, text = found
    rule = rule_of(check)
    changes = None if check in OF_THE_MODEL else admitting(op, tensors, config)
    advice = rule.remedy if changes is None else _advice(changes, config)
    return rule.refuse(text.partition("; set ")[0], advice)


def admitting(op: ir.Op, tensors: Mapping[str, ir.Tensor], config: AccelConfig) -> Changes | None:
    """The smallest change of `config` under which `op` fits; None where there is none."""
    if not any(not reason(op, tensors, other) for other in _generous(config)):
        return None
    choices = {name: list(_values(getattr(config, name))) for name in SEARCHED}
    for count in range(1, MOST_CHANGES + 1):
        found = [
            (effort, changes)
            for effort, changes in _changes(choices, count)
            if (other := _built(config, changes)) and not reason(op, tensors, other)
        ]
        if found:
            return min(found, key=lambda candidate: candidate[0])[1]
    return None


def _generous(config: AccelConfig) -> Iterator[AccelConfig]:
    """Hardware without want; what fits none of these, no search need look for."""
    largest = {"act_kib": LARGEST_KIB, "weight_kib": LARGEST_KIB, "vector": True, "tables": 1}
    for lanes in LANES:
        square = {"k_lanes": lanes, "n_lanes": lanes, "bus_bytes": 4, "act_banks": 16}
        built = _built(config, {**largest, **square, "acc_entries": 8192})
        if built is not None:
            yield built


def _values(now: Value) -> Iterator[tuple[int, Value]]:
    """(effort, value): a switch turned, or a size doubled or halved."""
    if isinstance(now, bool):
        yield 1, not now
        return
    if now == 0:
        yield 1, 1
        return
    for doublings in range(1, MOST_DOUBLINGS + 1):
        yield doublings, now << doublings
        if now >> doublings:
            yield doublings, now >> doublings


def _changes(
    choices: Mapping[str, list[tuple[int, Value]]], count: int
) -> Iterator[tuple[int, Changes]]:
    for names in combinations(choices, count):
        for values in product(*(choices[name] for name in names)):
            effort = sum(
                effort * (LANES_EFFORT if name.endswith("lanes") else 1)
                for name, (effort, _) in zip(names, values, strict=True)
            )
            yield effort, {name: value for name, (_, value) in zip(names, values, strict=True)}


def _built(config: AccelConfig, changes: Changes) -> AccelConfig | None:
    """The changed configuration, where such hardware can be built."""
    try:
        return replace(config, **changes)
    except ConfigError:
        return None


def _advice(changes: Changes, config: AccelConfig) -> str:
    def text(value: Value) -> str:
        return str(value).lower()

    parts = [
        f"{name} = {text(value)} (now {text(getattr(config, name))})"
        for name, value in changes.items()
    ]
    return f"set {' and '.join(parts)} in the configuration"
