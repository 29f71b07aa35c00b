# SPDX-License-Identifier: Apache-2.0
"""Ops that change shapes, on int8 values instead of float ones.

They commute with everything that works element by element, so they move out of the way: behind an
island where they end it, in front of it where they begin it. A reshape of a reshape is one.

    dequantize, squeeze, matmul, unsqueeze, quantize   ->   reshape, integer matmul, reshape

One-dimensional images [N, C, L] are computed as [N, C, 1, L]; between two of them nothing is left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tvm import relax

from codegen.frontend.expressions import op_name, shape_of

if TYPE_CHECKING:
    from codegen.frontend.islands.scope import Quantized, Scope

RESHAPES = frozenset(
    f"relax.{name}" for name in ("reshape", "squeeze", "expand_dims", "flatten", "nn.batch_flatten")
)
SHAPE_OPS = RESHAPES | {"relax.permute_dims"}
Shape = tuple[int, ...]


def reshaped(scope: Scope, value: Any, shape: Shape, hint: str = "") -> Any:
    """`value` with another shape."""
    before = scope.bound(value)
    if op_name(before) == "relax.reshape":
        value = before.args[0]
    if shape_of(value) == shape:
        return value
    return scope.builder_.emit(relax.op.reshape(value, shape), name_hint=hint)


def applied(scope: Scope, value: Any, call: Any, hint: str) -> Any:
    """What the shape op `call` makes of `value`."""
    if op_name(call) in RESHAPES or _only_renames(call):
        return reshaped(scope, value, shape_of(call), hint)
    return scope.builder_.emit(relax.op.permute_dims(value, call.attrs.axes), name_hint=hint)


def _only_renames(call: Any) -> bool:
    """Whether a transpose of [N, C, 1, 1] moves no data."""
    shape = shape_of(call.args[0])
    if len(shape) != 4 or shape[2:] != (1, 1) or call.attrs.axes is None:
        return False
    moved = [int(axis) for axis in call.attrs.axes if shape[int(axis)] != 1]
    return moved == sorted(moved)


def image(scope: Scope, x: Quantized) -> Quantized:
    """[N, C, L] as [N, C, 1, L]; images are what they are."""
    shape = shape_of(x.value)
    if len(shape) != 3:
        return x
    return replace(x, value=reshaped(scope, x.value, (*shape[:2], 1, shape[2])))


def lifted(scope: Scope, x: Quantized) -> Quantized | None:
    """The image that `x` is a reshape of; None if it is none.

    Heads of an attention are merged by a transpose before the reshape: they are no image.
    """
    before = scope.bound(x.value)
    if op_name(before) != "relax.reshape" or len(shape_of(before.args[0])) != 4:
        return None
    if not isinstance(before.args[0], relax.Var):
        return None
    if op_name(scope.bound(before.args[0])) == "relax.permute_dims":
        return None
    return replace(x, value=before.args[0])


def along(scope: Scope, form: Callable[[Quantized], Any | None], x: Quantized) -> Any | None:
    """An element-wise form of `x`, computed on the image that it is a reshape of."""
    inner = lifted(scope, x)
    if inner is None:
        return form(x)
    result = form(inner)
    return None if result is None else reshaped(scope, result, shape_of(x.value))
