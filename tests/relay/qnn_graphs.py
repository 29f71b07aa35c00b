# SPDX-License-Identifier: Apache-2.0
"""qnn ops as people write them in Relay, with constants from a seed."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from tvm import relay


def image(name: str = "x", channels: int = 8, dtype: str = "int8") -> Any:
    """An input; the same one for the same arguments."""
    return _input(f"{name}_{dtype}_{channels}", channels, dtype)


@cache
def _input(name: str, channels: int, dtype: str) -> Any:
    return relay.var(name, shape=(1, channels, 6, 6), dtype=dtype)


def number(value: float, dtype: str = "float32") -> Any:
    return relay.const(np.asarray(value, dtype), dtype)


def affine(scale: float, zero_point: int) -> tuple[Any, Any]:
    return number(scale), number(zero_point, "int32")


def conv(
    x: Any, cin: int, cout: int, kernel: int = 3, *, scale: float, zero: int, groups: int = 1
) -> Any:
    """int32 sums with bias; weights have a scale per channel."""
    random = np.random.default_rng(cin * cout + kernel)
    shape = (cout, cin // groups, kernel, kernel)
    weight = relay.const(random.integers(-127, 128, shape, np.int8))
    scales = relay.const(random.uniform(0.002, 0.01, cout).astype(np.float32))
    acc = relay.qnn.op.conv2d(
        x,
        weight,
        number(zero, "int32"),
        number(0, "int32"),
        number(scale),
        scales,
        kernel_size=(kernel, kernel),
        channels=cout,
        padding=(kernel // 2,) * 4,
        groups=groups,
    )
    bias = relay.const(random.integers(-3000, 3000, cout, np.int32))
    return relay.nn.bias_add(acc, bias), scales.data.numpy() * np.float32(scale)


def requantize(
    x: Any, in_scale: Any, in_zero: int, out: tuple[float, int], dtype: str = "int8"
) -> Any:
    """From one scale, or one per channel, to another."""
    scale = relay.const(np.asarray(in_scale, np.float32))
    zero = number(in_zero, "int32")
    return relay.qnn.op.requantize(x, scale, zero, *affine(*out), axis=1, out_dtype=dtype)
