# SPDX-License-Identifier: Apache-2.0
"""The pattern table: which shapes of integer Relay the accelerator can take, by name.

Names and parts are those of codegen/partition/patterns.py, so that the same builders make the ops
of the neutral graph.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from tvm.relay.dataflow_pattern import (
    AltPattern,
    CallPattern,
    ConstantPattern,
    ExprPattern,
    is_constant,
    is_op,
    wildcard,
)

from codegen.partition.values import Part
from codegen.relay.expressions import dtype_of, op_name, shape_of, values

PREFIX = "tessera"


def _anything(_: Any) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Pattern:
    """A composite function the accelerator may take."""

    name: str
    root: Any
    """tvm.relay.dataflow_pattern.DFPattern"""
    parts: dict[str, Any]
    """Named sub-patterns."""
    holds: Callable[[Any], bool] = _anything
    """What the core's attributes must say."""


def _zeroed(x: Any, zero: Any) -> Any:
    """cast(x) - zero point."""
    return is_op("subtract")(is_op("cast")(x), zero)


def _finished(product: Any, parts: dict[str, Any]) -> Any:
    """Rounding shift, zero point, clip, int8."""
    parts |= {"shift": is_constant(), "zp": is_constant()}
    y = is_op("right_shift")(is_op("add")(product, is_constant()), parts["shift"])
    parts["clip"] = is_op("clip")(is_op("add")(y, parts["zp"]))
    return is_op("cast")(parts["clip"])


def _requantized(acc: Any, parts: dict[str, Any]) -> Any:
    parts |= {"bias": is_constant(), "multiplier": is_constant()}
    total = is_op("add")(acc, parts["bias"])
    scaled = is_op("multiply")(is_op("cast")(total), parts["multiplier"])
    return _finished(scaled, parts)


def _product(name: str, core: str, *, flatten: bool = False) -> Pattern:
    parts = {"x": wildcard(), "x_zp": is_constant(), "weight": is_constant()}
    flat = is_op("nn.batch_flatten")(parts["x"]) | is_op("reshape")(parts["x"])
    others = (is_constant() for _ in range(3))  # weight's zero point, both scales
    x = flat if flatten else parts["x"]
    parts["core"] = is_op(core)(x, parts["weight"], parts["x_zp"], *others)
    return Pattern(name, _requantized(parts["core"], parts), parts)


def _global_average_pool() -> Pattern:
    parts = {"x": wildcard(), "x_zp": is_constant()}
    parts["core"] = is_op("sum")(_zeroed(parts["x"], parts["x_zp"]))

    def over_image(core: Any) -> bool:
        axes = sorted(int(axis) % 4 for axis in core.attrs.axis or ())
        return axes == [2, 3] and bool(core.attrs.keepdims) and not core.attrs.exclude

    return Pattern("global_average_pool", _requantized(parts["core"], parts), parts, over_image)


def _rescale() -> Pattern:
    parts = {"x": wildcard(), "x_zp": is_constant()}
    parts["core"] = _zeroed(parts["x"], parts["x_zp"])
    return Pattern("rescale", _requantized(parts["core"], parts), parts)


def _add() -> Pattern:
    parts: dict[str, Any] = {}
    terms = []
    for side in ("a", "b"):
        parts |= {side: wildcard(), f"{side}_zp": is_constant(), f"{side}_mult": is_constant()}
        x = _zeroed(parts[side], parts[f"{side}_zp"])
        terms.append(is_op("multiply")(x, parts[f"{side}_mult"]))
    parts["core"] = is_op("add")(*terms)
    return Pattern("add", _finished(parts["core"], parts), parts)


def _mul() -> Pattern:
    parts: dict[str, Any] = {"multiplier": is_constant()}
    for side in ("a", "b"):
        parts |= {side: wildcard(), f"{side}_zp": is_constant()}
    terms = [_zeroed(parts[side], parts[f"{side}_zp"]) for side in ("a", "b")]
    parts["core"] = is_op("multiply")(*terms)
    scaled = is_op("multiply")(is_op("cast")(parts["core"]), parts["multiplier"])
    return Pattern("mul", _finished(scaled, parts), parts)


def _max_pool2d() -> Pattern:
    parts = {"x": wildcard()}
    parts["core"] = is_op("nn.max_pool2d")(parts["x"])

    def plain(core: Any) -> bool:
        return core.attrs.layout == "NCHW" and not core.attrs.ceil_mode

    return Pattern("max_pool2d", parts["core"], parts, plain)


def _clip() -> Pattern:
    parts = {"x": wildcard()}
    parts["core"] = parts["clip"] = is_op("clip")(parts["x"])
    return Pattern("clip", parts["core"], parts)


def _reshape() -> Pattern:
    parts = {"x": wildcard()}
    x = parts["x"]
    renames = ("nn.batch_flatten", "squeeze", "expand_dims")
    core = is_op("reshape")(x)
    for name in renames:
        core |= is_op(name)(x)
    parts["core"] = core
    return Pattern("reshape", parts["core"], parts)


def pattern_table() -> tuple[Pattern, ...]:
    """All patterns, the one to prefer first."""
    return (
        _product("conv2d", "qnn.conv2d"),
        _product("flatten_dense", "qnn.dense", flatten=True),
        _product("dense", "qnn.dense"),
        _add(),
        _mul(),
        _global_average_pool(),
        _rescale(),
        _max_pool2d(),
        _clip(),
        _reshape(),
    )


def match(pattern: Pattern, root: Any) -> dict[str, Any] | None:
    """Expressions of the pattern's parts in a matched expression; None where it does not hold."""
    found: list[tuple[Any, Any]] = []
    if not _bind(pattern.root, root, found):
        return None
    parts = {
        name: next(expr for known, expr in found if known.same_as(part))
        for name, part in pattern.parts.items()
    }
    return parts if pattern.holds(parts["core"]) else None


def _bind(pattern: Any, expr: Any, found: list[tuple[Any, Any]]) -> bool:
    """Bind a pattern and what is under it; Relay itself only says whether it matches."""
    if isinstance(pattern, AltPattern):
        count = len(found)
        if not _bind(pattern.left, expr, found):
            del found[count:]
            if not _bind(pattern.right, expr, found):
                return False
    elif isinstance(pattern, ConstantPattern):
        if values(expr) is None:
            return False
    elif isinstance(pattern, CallPattern):
        wanted = pattern.op.expr.name if isinstance(pattern.op, ExprPattern) else ""
        if op_name(expr) != wanted or len(expr.args) != len(pattern.args):
            return False
        if not all(_bind(p, e, found) for p, e in zip(pattern.args, expr.args, strict=True)):
            return False
    found.append((pattern, expr))
    return True


def neutral(kind: str, parts: dict[str, Any]) -> dict[str, Part]:
    """Matched parts as `codegen.partition.build` reads them, weights as Relax has them."""
    result = {name: part_of(expr) for name, expr in parts.items()}
    if "clip" in parts:
        limits = parts["clip"].attrs
        result["lo"] = Part(values=np.asarray(int(limits.a_min)))
        result["hi"] = Part(values=np.asarray(int(limits.a_max)))
    if kind in ("dense", "flatten_dense"):
        weight = values(parts["weight"])
        assert weight is not None
        result["weight"] = Part(weight.T.shape, "int8", weight.T)
    return result


def part_of(expr: Any) -> Part:
    """An expression, free of Relay."""
    attrs = None
    if op_name(expr) in ("qnn.conv2d", "nn.max_pool2d"):
        attrs = _window(expr.attrs)
    elif op_name(expr) == "sum":
        attrs = SimpleNamespace(axis=[int(axis) for axis in expr.attrs.axis])
    return Part(shape_of(expr), dtype_of(expr), values(expr), attrs)


def _window(attrs: Any) -> SimpleNamespace:
    """Attributes of a window, its padding on all four sides."""
    padding = [int(size) for size in attrs.padding]
    padding = padding * (4 // len(padding))
    known = {
        name: getattr(attrs, name)
        for name in ("groups", "pool_size")
        if name in attrs.keys()  # noqa: SIM118
    }
    return SimpleNamespace(strides=attrs.strides, padding=padding, dilation=attrs.dilation, **known)
