# SPDX-License-Identifier: Apache-2.0
"""Op-based annotation, the BYOC paper's first mode: which single Relay ops the accelerator takes.

Each entry becomes the attribute `target.tessera` of its op, which AnnotateTarget asks. It sees one
op at a time, so it answers by types and constants; whether a region of such ops makes whole
commands is known when the pattern table groups them (partition.py).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import tvm

from codegen.relay.expressions import dtype_of, shape_of
from codegen.relay.islands import all_zero, is_constant
from codegen.relay.patterns import PREFIX

INTEGERS = ("int8", "int32", "int64")
"""int16 occurs only where uint8 becomes int8, on the host."""
_offers: list[bool] = []


@contextlib.contextmanager
def offered() -> Iterator[None]:
    """Let AnnotateTarget see the table; outside, only composites are annotated."""
    _register()
    _offers.append(True)
    try:
        yield
    finally:
        _offers.pop()


def is_integer(call: Any) -> bool:
    """Arithmetic of integers, by constants or with each other."""
    return dtype_of(call) in INTEGERS and all(dtype_of(x) in INTEGERS for x in call.args)


def is_int8(call: Any) -> bool:
    """It moves or chooses int8 values."""
    return dtype_of(call) == "int8"


def is_product(call: Any) -> bool:
    """int8 activations with constant int8 weights around zero."""
    x, weight, _, weight_zero, *_ = call.args
    known = is_constant(weight) and all_zero(weight_zero)
    return known and dtype_of(x) == dtype_of(weight) == "int8"


def is_image_sum(call: Any) -> bool:
    """The sum over an image."""
    axes = sorted(int(axis) % 4 for axis in call.attrs.axis or ())
    return is_integer(call) and len(shape_of(call.args[0])) == 4 and axes == [2, 3]


SUPPORTED: dict[str, Callable[[Any], bool]] = {
    "add": is_integer,
    "cast": is_integer,
    "clip": is_integer,
    "expand_dims": is_int8,
    "multiply": is_integer,
    "nn.batch_flatten": is_int8,
    "nn.max_pool2d": is_int8,
    "qnn.conv2d": is_product,
    "qnn.dense": is_product,
    "reshape": is_int8,
    "right_shift": is_integer,
    "squeeze": is_int8,
    "subtract": is_integer,
    "sum": is_image_sum,
}
"""Relay op -> may the accelerator take it?"""


@cache
def _register() -> None:
    for name, check in SUPPORTED.items():
        tvm.ir.register_op_attr(name, f"target.{PREFIX}", _answer(check))


def _answer(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda call: bool(_offers) and check(call)
