# SPDX-License-Identifier: Apache-2.0
"""Partition an integer Relay module, in the steps of the BYOC paper.

annotation       `pattern`: MergeComposite by the pattern table, AnnotateTarget takes composites
                 `op`: AnnotateTarget by the table of supported ops (supported.py)
region merging   MergeCompilerRegions
partition        PartitionGraph: regions become functions with `Compiler = "tessera"`
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tvm
from tvm import relay

from accel.config import AccelConfig
from codegen.choices import BY_PATTERN
from codegen.partition.legality import refusal
from codegen.refusal import Refusal
from codegen.relay.expressions import hint_of, op_name, post_order, typed, with_arguments
from codegen.relay.patterns import PREFIX, Pattern, match, neutral, part_of, pattern_table
from codegen.relay.supported import offered

NOT_WHOLE = "not every op of its region is part of a pattern that the accelerator takes"


@dataclass(frozen=True, slots=True)
class Partitioned:
    """A module whose offloaded regions are functions with `Compiler = "tessera"`."""

    module: Any
    refusals: dict[str, str | Refusal]
    """Name of the nodes of a match that stays on the host -> why."""

    def regions(self) -> dict[str, Any]:
        """Offloaded functions by symbol, in execution order."""
        return {
            str(variable.name_hint): self.module[variable]
            for variable in _called(self.module)
            if _is_region(self.module[variable])
        }


def partition(module: Any, config: AccelConfig, annotate: str = BY_PATTERN) -> Partitioned:
    """Claim what the accelerator can execute.

    Args:
        module: integer Relay module (`integerize`).
        config: the hardware.
        annotate: one of `choices.ANNOTATIONS`.
    """
    refusals: dict[str, str | Refusal] = {}
    table = _composites(config, refusals)
    if annotate == BY_PATTERN:
        module = _regions(relay.transform.MergeComposite(table)(module))
    else:
        with offered():
            module = _regions(module)
        module = _with_composites(module, table, refusals)
    return Partitioned(_named(module), refusals)


def _regions(module: Any) -> Any:
    steps = [
        relay.transform.AnnotateTarget([PREFIX], include_non_call_ops=False),
        relay.transform.MergeCompilerRegions(),
        relay.transform.PartitionGraph(),
        relay.transform.InferType(),
    ]
    return tvm.transform.Sequential(steps)(module)


def _composites(
    config: AccelConfig, refusals: dict[str, str | Refusal]
) -> list[tuple[str, Any, Callable[[Any], bool]]]:
    """The pattern table as MergeComposite takes it."""

    def check(pattern: Pattern) -> Callable[[Any], bool]:
        def run(root: Any) -> bool:
            parts = match(pattern, root)
            if parts is None:
                return False
            why = refusal(pattern.name, neutral(pattern.name, parts), part_of(root), config)
            if why:
                refusals[hint_of(root)] = why
            return not why

        return run

    return [(f"{PREFIX}.{p.name}", p.root, check(p)) for p in pattern_table()]


def _with_composites(module: Any, table: Any, refusals: dict[str, str | Refusal]) -> Any:
    """Regions of single ops, grouped by the pattern table; those it does not cover are inlined."""
    for variable in _called(module):
        region = module[variable]
        if not _is_region(region):
            continue
        plain = tvm.IRModule.from_expr(relay.Function(region.params, region.body))
        body = relay.transform.MergeComposite(table)(typed(plain))["main"]
        if all(isinstance(c.op, relay.Function) for c in _calls(body.body)):
            new = relay.Function(body.params, body.body, region.ret_type, [], region.attrs)
        else:
            refusals |= {hint_of(call): NOT_WHOLE for call in _calls(region.body) if hint_of(call)}
            module = _inlined(module, variable)
            continue
        module.update_func(variable, new)
    return typed(module)


def _calls(body: Any) -> list[Any]:
    """Calls of a function, without those inside of its composites."""
    inside = {
        inner
        for expr in post_order(body)
        if isinstance(expr, relay.Function)
        for inner in post_order(expr.body)
    }
    return [e for e in post_order(body) if isinstance(e, relay.Call) and e not in inside]


def _is_region(function: Any) -> bool:
    return function.attrs is not None and "Compiler" in function.attrs.keys()  # noqa: SIM118


def _called(module: Any) -> list[Any]:
    """Global functions that main calls, in execution order."""
    calls = [e for e in post_order(module["main"].body) if isinstance(e, relay.Call)]
    return list(dict.fromkeys(c.op for c in calls if isinstance(c.op, relay.GlobalVar)))


def _inlined(module: Any, variable: Any) -> Any:
    """The module with the body of a function in place of its calls."""
    function = module[variable]

    def inline(call: Any) -> Any:
        if call.op != variable:
            return call
        return relay.bind(function.body, dict(zip(function.params, call.args, strict=True)))

    main = _rewritten(module["main"], inline)
    others = {v: f for v, f in module.functions.items() if v != variable and v.name_hint != "main"}
    return typed(tvm.IRModule({module.get_global_var("main"): main, **others}))


def _rewritten(function: Any, change: Callable[[Any], Any]) -> Any:
    """The function with every call changed, operands first."""
    new: dict[Any, Any] = {}
    for expr in post_order(function.body):
        if isinstance(expr, relay.Call):
            new[expr] = change(with_arguments(expr, [new[argument] for argument in expr.args]))
        elif isinstance(expr, relay.Tuple):
            new[expr] = relay.Tuple([new[field] for field in expr.fields])
        elif isinstance(expr, relay.TupleGetItem):
            value = new[expr.tuple_value]
            known = isinstance(value, relay.Tuple)
            new[expr] = value.fields[expr.index] if known else relay.TupleGetItem(value, expr.index)
        else:
            new[expr] = expr
    return relay.Function(function.params, new[function.body])


def _named(module: Any) -> Any:
    """Regions with short symbols, numbered in execution order."""
    renamed = {
        variable: relay.GlobalVar(f"{PREFIX}_{number}")
        for number, variable in enumerate(v for v in _called(module) if _is_region(module[v]))
    }

    def rename(call: Any) -> Any:
        new = renamed.get(call.op)
        return call if new is None else relay.Call(new, call.args, None, [], call.span)

    functions = {module.get_global_var("main"): _rewritten(module["main"], rename)}
    for variable, new in renamed.items():
        functions[new] = module[variable].with_attr("global_symbol", new.name_hint)
    return typed(tvm.IRModule(functions))


def host_ops(module: Any) -> list[Any]:
    """What main computes itself."""
    return [expr for expr in post_order(module["main"].body) if op_name(expr)]
