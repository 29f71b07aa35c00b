# SPDX-License-Identifier: Apache-2.0
"""Measure what the ops of offloaded regions take on the host: each composite's own TVM build."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import tvm
from tvm import relax
from tvm.ir import Call, GenericConst

from codegen.artifact import compile_host
from codegen.host_times import Workload
from codegen.partition.partition import MADE_BY
from codegen.partition.patterns import PREFIX

REPEATS = 5
"""The best of so many ..."""
REPEAT_MS = 10
"""... repetitions, each of so many milliseconds at least."""


def workloads(region: Any) -> dict[str, Workload]:
    """The ops of an offloaded Relax function, in order, by the variable that they compute."""
    found = {}
    for block in region.body.blocks:
        for binding in block.bindings:
            if isinstance(binding.value, relax.Function):
                function = binding.value
                found[str(function.attrs.get(MADE_BY, ""))] = _workload(function)
    return found


def _workload(function: Any) -> Workload:
    kind = str(function.attrs["Composite"]).removeprefix(f"{PREFIX}.")
    inputs = ", ".join(_type(param) for param in function.params)
    what = f"{kind} {inputs} -> {_type(function.body.body)}"
    names: dict[Any, str] = {param: f"p{i}" for i, param in enumerate(function.params)}
    facts: list[Any] = [what]
    for block in function.body.blocks:
        for binding in block.bindings:
            names[binding.var] = f"v{len(names)}"
            facts.append(_facts(binding.value, names))
    key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
    return Workload(key, what, function)


def _facts(value: Any, names: Mapping[Any, str]) -> Any:
    """What decides how long a value takes to compute: no constant's values."""
    match value:
        case Call():
            arguments = [_facts(argument, names) for argument in value.args]
            return [str(value.op.name), str(value.attrs), *arguments]
        case GenericConst():
            return _type(value)
        case relax.Tuple():
            return [_facts(field, names) for field in value.fields]
        case relax.Var():
            return names[value]
    return str(value)


def _type(expr: Any) -> str:
    shape = [int(size) for size in expr.ty.shape]
    return f"{expr.ty.dtype.dtype}{shape}"


def measure(unknown: Mapping[str, Workload]) -> dict[str, float]:
    """Microseconds of each workload, by key; random inputs."""
    functions = {
        f"op_{key}": workload.function.without_attr("Composite").with_attr(
            "global_symbol", f"op_{key}"
        )
        for key, workload in unknown.items()
    }
    machine = relax.VirtualMachine(compile_host(tvm.IRModule(functions)), tvm.cpu())
    random = np.random.default_rng(0)
    found = {}
    for key, workload in unknown.items():
        inputs = [
            tvm.runtime.tensor(
                random.integers(-128, 128, [int(s) for s in param.ty.shape], np.int8)
            )
            for param in workload.function.params
        ]
        timer = machine.time_evaluator(
            f"op_{key}", tvm.cpu(), number=1, repeat=REPEATS, min_repeat_ms=REPEAT_MS
        )
        found[key] = round(float(timer(*inputs).min) * 1e6, 3)
    return found
