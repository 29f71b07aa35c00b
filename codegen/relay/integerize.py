# SPDX-License-Identifier: Apache-2.0
"""Rewrite qnn ops into the written integer semantics of `forms.py`.

Before: what FakeQuantizationToInteger gives, or a user's own qnn module. After: the same dataflow
on int8 (uint8 is shifted by 128 at the borders), every rounding spelled out. Relay's host build of
that is the golden reference.

`qnn.requantize` already has our rule, with scales that were rounded to float32. Others round
otherwise than the accelerator, and are rewritten on purpose: `qnn.add` and `qnn.subtract` round
each operand before they add, we round the exact sum once; `nn.global_avg_pool2d` and `mean` average
int32 values that were rounded before and truncate, we requantize the exact sum. How far that is
from Relay's own qnn ops is measured in every run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tvm
from tvm import relay

from accel.errors import ModelError
from codegen.frontend.nodes import merge_hints
from codegen.relay import forms, products
from codegen.relay.borders import ACTIVATIONS, Borders
from codegen.relay.expressions import (
    dtype_of,
    hint_of,
    op_name,
    post_order,
    shape_of,
    typed,
    with_arguments,
)
from codegen.relay.forms import INT8, Quantized, Target
from codegen.relay.islands import (
    CLIPS,
    all_zero,
    bounds_in_steps,
    chain_of,
    clipped_by,
)

MOVES = frozenset(
    ("expand_dims", "nn.batch_flatten", "nn.max_pool2d", "reshape", "squeeze", "transpose")
)
"""Ops that move or choose int8 values: what they do does not depend on scale or zero point."""
Clip = tuple[int, int]


@dataclass(slots=True)
class Notes:
    """What the pass found."""

    islands: int = 0
    float_error: float = 0.0
    """Largest bound over all products; see `arithmetic.float_error`."""
    refused: dict[str, str] = field(default_factory=dict)
    """Name of the nodes -> why they stay qnn ops."""


def integerize(module: Any) -> tuple[Any, Notes]:
    """Rewrite `main` of a typed qnn module.

    Returns:
        The integer module, and notes.
    """
    notes = Notes()
    main = module["main"]
    body = _Rewriter(main.body, notes).result(main.body)
    return typed(tvm.IRModule.from_expr(relay.Function(main.params, body))), notes


class _Rewriter(Borders):
    """Goes through `main` in order; handlers read old expressions and write new ones."""

    def __init__(self, body: Any, notes: Notes) -> None:
        super().__init__()
        self._notes = notes
        self._order = post_order(body)
        self._readers = Counter(
            operand for expr in self._order if isinstance(expr, relay.Call) for operand in expr.args
        )
        self._islands: dict[str, Callable[[Any, Clip], Any | None]] = {
            "cast": self._mean,
            "qnn.add": lambda call, clip: self._add(call, (1, 1), clip),
            "qnn.avg_pool2d": self._average,
            "qnn.mul": self._multiply,
            "qnn.requantize": self._requantize,
            "qnn.subtract": lambda call, clip: self._add(call, (1, -1), clip),
        }

    def result(self, body: Any) -> Any:
        """The new form of `main`'s body."""
        for expr in self._order:
            self.new[expr] = self._visit(expr)
        return self.new[body]

    def _visit(self, expr: Any) -> Any:
        if isinstance(expr, relay.Call):
            return self._call(expr)
        if isinstance(expr, relay.Tuple):
            return relay.Tuple([self.new[field] for field in expr.fields])
        if isinstance(expr, relay.TupleGetItem):
            return relay.TupleGetItem(self.new[expr.tuple_value], expr.index)
        if isinstance(expr, (relay.Var, relay.Constant, tvm.ir.Op)):
            return expr
        raise ModelError(f"a {type(expr).__name__} in Relay's main: only dataflow is supported")

    def _call(self, call: Any) -> Any:
        name = op_name(call)
        if dtype_of(call) in ACTIVATIONS:
            value = self._activation_call(name, call)
            if value is not None:
                self.int8[call] = value
                return value if dtype_of(call) == "int8" else forms.unsigned(value)
        if name == "qnn.dequantize":
            return self.dequantize(call)
        return with_arguments(call, [self.new[operand] for operand in call.args])

    def _activation_call(self, name: str, call: Any) -> Any | None:
        """The int8 value of a call that we know, None of others."""
        if name in MOVES and dtype_of(call.args[0]) in ACTIVATIONS:
            return with_arguments(call, [self.inside(call.args[0])])
        if name in CLIPS:
            return self._clip(call)
        if name == "qnn.quantize":
            return self.quantize(call)
        found = self._islands[name](call, INT8) if name in self._islands else None
        self._notes.islands += found is not None
        return found

    # Islands.

    def _clip(self, call: Any) -> Any | None:
        """A clip of int8; into the island that gives the value, where nobody else reads that."""
        chain = chain_of(call)
        base = chain.core
        if base.same_as(call):
            return None
        shift = 128 if dtype_of(call) == "uint8" else 0
        low, high = (bound.reshape(-1) - shift for bound in chain.bounds)
        if low.size > 1 or high.size > 1:
            return None
        clip = int(np.clip(low[0], *INT8)), int(np.clip(high[0], *INT8))
        name = op_name(base)
        if name in self._islands and self._readers[base] == 1:
            found = self._islands[name](base, clip)
            if found is not None:
                return found
        if dtype_of(base) not in ACTIVATIONS:
            return None
        return forms.rescaled(
            Quantized(self.inside(base), 1.0, 0),
            len(shape_of(call)),
            Target(1.0, 0, clip, chain.hint),
        )

    def _requantize(self, call: Any, clip: Clip) -> Any | None:
        chain = chain_of(call.args[0])
        hint = chain.hint or merge_hints(hint_of(call), hint_of(call.args[3]))
        to = self.target(call, call.args[3:5], clip, hint)
        name = op_name(chain.core)
        if to is None:
            return None
        if name in ("qnn.conv2d", "qnn.dense"):
            return self._product(call, to)
        if name == "nn.global_avg_pool2d":
            return self._global_average(call, to)
        x = self.activation(chain.core, *call.args[1:3])
        if x is None or chain.bias.any():
            return None
        shift = 128 if dtype_of(chain.core) == "uint8" else 0
        low, high = (bound - shift - x.zero_point for bound in chain.bounds)
        steps = bounds_in_steps((low, high), np.asarray([x.scale]), to.scale, to.zero_point)
        to = Target(to.scale, to.zero_point, clipped_by(steps, clip), hint_of(call) or hint)
        return forms.rescaled(x, len(shape_of(call)), to)

    def _product(self, call: Any, to: Target) -> Any | None:
        chain = chain_of(call.args[0])
        core = chain.core
        x = self.activation(core.args[0], core.args[4], core.args[2])
        weights = products.weights_of(core)
        if x is None or weights is None or not all_zero(call.args[2]):
            return None
        if products.overflows(weights, chain.bias):
            self._notes.refused[chain.hint] = "its int32 sums can overflow"
            return None
        error = products.error_of(weights, x, to.scale)
        self._notes.float_error = max(self._notes.float_error, error)
        scale = x.scale * weights.scale
        steps = bounds_in_steps(chain.bounds, scale, to.scale, to.zero_point)
        to = Target(to.scale, to.zero_point, clipped_by(steps, to.clip), to.hint)
        acc = products.summed(core, x, weights)
        return forms.requantized(acc, chain.bias, scale, len(shape_of(call)), to)

    def _global_average(self, call: Any, to: Target) -> Any | None:
        """requantize(global_avg_pool2d(x)), x widened to int32 and perhaps rescaled for that."""
        pool = call.args[0]
        if op_name(pool) != "nn.global_avg_pool2d" or pool.attrs.layout != "NCHW":
            return None
        widened = pool.args[0]
        scales = call.args[1:3]
        if op_name(widened) == "qnn.requantize":
            scales = widened.args[1:3]
        elif op_name(widened) != "cast":
            return None
        x = self.activation(widened.args[0], *scales)
        _, _, h, w = shape_of(widened)
        return None if x is None else forms.global_average(x, h * w, to)

    def _mean(self, call: Any, clip: Clip) -> Any | None:
        """cast(mean(cast(x))), scale and zero point as of x."""
        mean = call.args[0]
        if op_name(mean) != "mean" or op_name(mean.args[0]) != "cast":
            return None
        x = mean.args[0].args[0]
        axes = mean.attrs.axis
        if axes is None or len(shape_of(x)) != 4 or dtype_of(x) != dtype_of(call):
            return None
        if sorted(int(axis) % 4 for axis in axes) != [2, 3] or not mean.attrs.keepdims:
            return None
        _, _, h, w = shape_of(x)
        to = Target(1.0, 0, clip, hint_of(mean) or hint_of(call))
        return forms.global_average(Quantized(self.inside(x), 1.0, 0), h * w, to)

    def _average(self, call: Any, clip: Clip) -> Any | None:
        a = call.attrs
        x = self.activation(*call.args[:3])
        to = self.target(call, call.args[3:5], clip, hint_of(call))
        padded = any(int(size) for size in a.padding)
        if x is None or to is None or a.layout != "NCHW":
            return None
        if a.ceil_mode or (padded and not a.count_include_pad):
            self._notes.refused[hint_of(call)] = "its windows average different pixel counts"
            return None
        pixels = int(a.pool_size[0]) * int(a.pool_size[1])
        acc = products.averaged(call, x, shape_of(call)[1])
        zero = np.zeros(1, np.int64)
        return forms.requantized(acc, zero, np.asarray([x.scale / pixels]), 4, to)

    def _pair(self, call: Any, clip: Clip) -> tuple[Quantized, Quantized, bool, Target] | None:
        """Operands of one shape, or the second [N, C, 1, 1]; whether they were swapped for that."""
        left, right = call.args[0], call.args[1]
        a, b = self.activation(left, *call.args[2:4]), self.activation(right, *call.args[4:6])
        to = self.target(call, call.args[6:8], clip, hint_of(call))
        if a is None or b is None or to is None:
            return None
        swapped = np.prod(shape_of(left)) < np.prod(shape_of(right))
        if swapped:
            left, right, a, b = right, left, b, a
        large, small = shape_of(left), shape_of(right)
        image = len(large) == 4 and small == (*large[:2], 1, 1)
        return (a, b, bool(swapped), to) if large == small or image else None

    def _add(self, call: Any, signs: tuple[int, int], clip: Clip) -> Any | None:
        pair = self._pair(call, clip)
        if pair is None:
            return None
        a, b, swapped, to = pair
        return forms.added(a, b, (signs[1], signs[0]) if swapped else signs, to)

    def _multiply(self, call: Any, clip: Clip) -> Any | None:
        pair = self._pair(call, clip)
        return None if pair is None else forms.multiplied(pair[0], pair[1], pair[3])
