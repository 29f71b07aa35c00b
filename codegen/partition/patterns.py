# SPDX-License-Identifier: Apache-2.0
"""The pattern table: which shapes of integer dataflow the accelerator can take, by name.

Patterns are written on the integer form that `frontend/integerize.py` emits, never on float QDQ.
Each names the parts that `build.py` needs to make an op of the neutral graph.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tvm.relax.dpl import is_const, is_op, is_tuple, wildcard

from accel.isa import Rounding

PREFIX = "tessera"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A composite function the accelerator may take."""

    name: str
    root: Any
    """tvm.relax.dpl.DFPattern"""
    parts: dict[str, Any]
    """Named sub-patterns."""


def _op(name: str, *args: Any) -> Any:
    return is_op(f"relax.{name}")(*args)


def _zeroed(x: Any, zero: Any) -> Any:
    """astype(x) - zero point."""
    return _op("subtract", _op("astype", x), zero)


def _shifted(product: Any, parts: dict[str, Any], rounding: Rounding, prefix: str = "") -> Any:
    """Rounding right shift: by "shift"; with DOUBLE, by "rest" behind it."""
    shift = parts[f"{prefix}shift"] = is_const()
    y = _op("right_shift", _op("add", product, is_const()), shift)
    if rounding == Rounding.SINGLE:
        return y
    rest = parts[f"{prefix}rest"] = is_const()
    below = _op("multiply", _op("right_shift", y, is_const()), is_const())
    return _op("right_shift", _op("add", _op("add", y, below), is_const()), rest)


def _finished(product: Any, parts: dict[str, Any], rounding: Rounding) -> Any:
    """Rounding shift, zero point, clip, int8."""
    parts |= {"zp": is_const(), "lo": is_const(), "hi": is_const()}
    y = _shifted(product, parts, rounding)
    y = _op("maximum", _op("add", y, parts["zp"]), parts["lo"])
    return _op("astype", _op("minimum", y, parts["hi"]))


def _requantized(acc: Any, parts: dict[str, Any], rounding: Rounding) -> Any:
    parts |= {"bias": is_const(), "multiplier": is_const()}
    total = _op("add", acc, parts["bias"])
    return _finished(_op("multiply", _op("astype", total), parts["multiplier"]), parts, rounding)


def _conv2d(rounding: Rounding) -> Pattern:
    parts = {"x": wildcard(), "x_zp": is_const(), "weight": is_const()}
    parts["core"] = _op("nn.conv2d", _zeroed(parts["x"], parts["x_zp"]), parts["weight"])
    return Pattern("conv2d", _requantized(parts["core"], parts, rounding), parts)


def _conv2d_transpose(rounding: Rounding) -> Pattern:
    parts = {"x": wildcard(), "x_zp": is_const(), "weight": is_const()}
    x = _zeroed(parts["x"], parts["x_zp"])
    parts["core"] = _op("nn.conv2d_transpose", x, parts["weight"])
    return Pattern("conv2d_transpose", _requantized(parts["core"], parts, rounding), parts)


def _dense(rounding: Rounding, *, flatten: bool) -> Pattern:
    parts = {"x": wildcard(), "x_zp": is_const(), "weight": is_const()}
    x = _op("reshape", parts["x"], wildcard()) if flatten else parts["x"]
    parts["core"] = _op("matmul", _zeroed(x, parts["x_zp"]), parts["weight"])
    name = "flatten_dense" if flatten else "dense"
    return Pattern(name, _requantized(parts["core"], parts, rounding), parts)


def _batch_matmul(rounding: Rounding) -> Pattern:
    parts: dict[str, Any] = {}
    for side in ("a", "b"):
        parts |= {side: wildcard(), f"{side}_zp": is_const()}
    terms = [_zeroed(parts[side], parts[f"{side}_zp"]) for side in ("a", "b")]
    parts["core"] = _op("matmul", *terms)
    return Pattern("batch_matmul", _requantized(parts["core"], parts, rounding), parts)


def _split_heads() -> Pattern:
    parts = {"x": wildcard()}
    parts["split"] = _op("reshape", parts["x"], wildcard())
    parts["core"] = _op("permute_dims", parts["split"])
    return Pattern("split_heads", parts["core"], parts)


def _merge_heads() -> Pattern:
    parts = {"x": wildcard()}
    parts["moved"] = _op("permute_dims", parts["x"])
    parts["core"] = _op("reshape", parts["moved"], wildcard())
    return Pattern("merge_heads", parts["core"], parts)


def _channel_shuffle() -> Pattern:
    parts = {"x": wildcard()}
    parts["split"] = _op("reshape", parts["x"], wildcard())
    parts["moved"] = _op("permute_dims", parts["split"])
    parts["core"] = _op("reshape", parts["moved"], wildcard())
    return Pattern("channel_shuffle", parts["core"], parts)


def _image_to_rows(*, flat_first: bool) -> Pattern:
    parts = {"x": wildcard()}
    if flat_first:
        parts["between"] = _op("reshape", parts["x"], wildcard())
        parts["core"] = _op("permute_dims", parts["between"])
        return Pattern("flat_image_to_rows", parts["core"], parts)
    parts["between"] = _op("permute_dims", parts["x"])
    parts["core"] = _op("reshape", parts["between"], wildcard())
    return Pattern("image_to_rows", parts["core"], parts)


def _rows_to_image() -> Pattern:
    parts = {"x": wildcard()}
    parts["between"] = _op("permute_dims", parts["x"])
    parts["core"] = _op("reshape", parts["between"], wildcard())
    return Pattern("rows_to_image", parts["core"], parts)


def _affine(rounding: Rounding) -> Pattern:
    parts = {"x": wildcard(), "x_zp": is_const(), "weight": is_const()}
    parts["core"] = _op("multiply", _zeroed(parts["x"], parts["x_zp"]), parts["weight"])
    return Pattern("affine", _requantized(parts["core"], parts, rounding), parts)


def _global_average_pool(rounding: Rounding) -> Pattern:
    parts = {"x": wildcard(), "x_zp": is_const()}
    parts["core"] = _op("sum", _zeroed(parts["x"], parts["x_zp"]))
    return Pattern("global_average_pool", _requantized(parts["core"], parts, rounding), parts)


def _rescale(rounding: Rounding) -> Pattern:
    parts = {"x": wildcard(), "x_zp": is_const()}
    parts["core"] = _zeroed(parts["x"], parts["x_zp"])
    return Pattern("rescale", _requantized(parts["core"], parts, rounding), parts)


def _add(rounding: Rounding) -> Pattern:
    parts: dict[str, Any] = {}
    terms = []
    for side in ("a", "b"):
        parts |= {side: wildcard(), f"{side}_zp": is_const(), f"{side}_mult": is_const()}
        terms.append(
            _op("multiply", _zeroed(parts[side], parts[f"{side}_zp"]), parts[f"{side}_mult"])
        )
    if rounding == Rounding.SINGLE:
        parts["core"] = _op("add", *terms)
        return Pattern("add", _finished(parts["core"], parts, rounding), parts)
    terms = [
        _shifted(term, parts, rounding, f"{side}_") for side, term in zip("ab", terms, strict=True)
    ]
    parts["core"] = _op("add", *terms) | _op("subtract", *terms)
    parts["sum_mult"] = is_const()
    total = _op("multiply", parts["core"], parts["sum_mult"])
    return Pattern("add", _finished(total, parts, rounding), parts)


def _mul(rounding: Rounding) -> Pattern:
    parts: dict[str, Any] = {}
    for side in ("a", "b"):
        parts |= {side: wildcard(), f"{side}_zp": is_const()}
    parts["multiplier"] = is_const()
    terms = [_zeroed(parts[side], parts[f"{side}_zp"]) for side in ("a", "b")]
    parts["core"] = _op("multiply", *terms)
    product = _op("multiply", _op("astype", parts["core"]), parts["multiplier"])
    return Pattern("mul", _finished(product, parts, rounding), parts)


def _table() -> Pattern:
    parts = {"x": wildcard(), "table": is_const()}
    parts["core"] = _op("take", parts["table"], _op("add", _op("astype", parts["x"]), is_const()))
    return Pattern("table", parts["core"], parts)


def _max_pool2d() -> Pattern:
    parts = {"x": wildcard()}
    parts["core"] = _op("nn.max_pool2d", parts["x"])
    return Pattern("max_pool2d", parts["core"], parts)


def _clip() -> Pattern:
    parts = {"x": wildcard(), "lo": is_const(), "hi": is_const()}
    parts["core"] = _op("minimum", _op("maximum", parts["x"], parts["lo"]), parts["hi"])
    return Pattern("clip", parts["core"], parts)


def _pad() -> Pattern:
    parts = {"x": wildcard()}
    parts["core"] = _op("nn.pad", parts["x"])
    return Pattern("pad", parts["core"], parts)


def _concat() -> Pattern:
    parts = {"a": wildcard(), "b": wildcard()}
    parts["core"] = is_op("relax.concat")(is_tuple([parts["a"], parts["b"]]))
    return Pattern("concat", parts["core"], parts)


def _take() -> Pattern:
    parts = {"x": wildcard(), "indices": is_const()}
    parts["core"] = _op("take", parts["x"], parts["indices"])
    return Pattern("take", parts["core"], parts)


def _repeat() -> Pattern:
    parts = {"x": wildcard(), "rows": is_const(), "pixels": is_const()}
    parts["inner"] = _op("take", parts["x"], parts["rows"])
    parts["core"] = _op("take", parts["inner"], parts["pixels"])
    return Pattern("repeat", parts["core"], parts)


def _reshape() -> Pattern:
    parts = {"x": wildcard()}
    parts["core"] = _op("reshape", parts["x"], wildcard())
    return Pattern("reshape", parts["core"], parts)


def pattern_table(rounding: Rounding = Rounding.SINGLE) -> tuple[Pattern, ...]:
    """All patterns of the integer form with this rule, the one to prefer first."""
    return (
        _channel_shuffle(),
        _image_to_rows(flat_first=True),
        _image_to_rows(flat_first=False),
        _rows_to_image(),
        _split_heads(),  # while the products that read the heads are not yet composites
        _merge_heads(),
        _conv2d(rounding),
        _conv2d_transpose(rounding),
        _dense(rounding, flatten=True),
        _dense(rounding, flatten=False),
        _batch_matmul(rounding),
        _add(rounding),
        _mul(rounding),
        _table(),
        _affine(rounding),
        _global_average_pool(rounding),
        _rescale(rounding),
        _max_pool2d(),
        _clip(),
        _pad(),
        _concat(),
        _repeat(),
        _take(),
        _reshape(),
    )
