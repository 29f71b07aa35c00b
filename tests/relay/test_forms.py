# SPDX-License-Identifier: Apache-2.0
"""Each qnn op: accelerator and Relay's host agree in every bit; how far qnn itself is off."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tvm import relay

from codegen.choices import ANNOTATIONS, Choices
from codegen.relay.compile import compile_relay
from tests.relay.qnn_graphs import affine, conv, image, number, requantize
from tests.relay.running import CONFIG, run, save

Q = relay.qnn.op


def conv_relu(dtype: str) -> Any:
    zero = 3 if dtype == "int8" else 131
    acc, scales = conv(image(dtype=dtype), 8, 16, scale=0.02, zero=zero)
    return requantize(relay.nn.relu(acc), scales, 0, (0.2, zero - 20), dtype)


def clipped(dtype: str) -> Any:
    return relay.clip(conv_relu(dtype), 10, 100)


def depthwise() -> Any:
    acc, scales = conv(image(channels=16), 16, 16, scale=0.02, zero=-5, groups=16)
    return requantize(acc, scales, 0, (0.05, 4))


def dense() -> Any:
    x = relay.nn.batch_flatten(image())
    random = np.random.default_rng(4)
    weight = relay.const(random.integers(-127, 128, (10, 8 * 36), np.int8))
    scales = random.uniform(0.001, 0.01, 10).astype(np.float32)
    acc = Q.dense(
        x,
        weight,
        number(7, "int32"),
        number(0, "int32"),
        number(0.02),
        relay.const(scales),
        units=10,
    )
    return requantize(acc, scales * np.float32(0.02), 0, (0.6, -3))


def added(op: Callable[..., Any], dtype: str = "int8") -> Any:
    shift = 0 if dtype == "int8" else 128
    args = (*affine(0.03, 3 + shift), *affine(0.017, -7 + shift), *affine(0.04, 5 + shift))
    return relay.nn.max_pool2d(
        op(image(dtype=dtype), image("y", dtype=dtype), *args), (2, 2), (2, 2)
    )


def multiplied() -> Any:
    args = (*affine(0.03, 3), *affine(0.017, -7), *affine(0.04, 5))
    return Q.mul(image(), image("y"), *args)


def averaged() -> Any:
    window = ((3, 3), (2, 2), (1, 1, 1, 1), (1, 1))
    scales = (*affine(0.03, 3), *affine(0.025, -4))
    return Q.avg_pool2d(image(), *scales, *window, layout="NCHW")


def global_average() -> Any:
    wide = Q.requantize(image(), *affine(0.03, 3), *affine(0.01, -4), out_dtype="int32")
    return requantize(relay.nn.global_avg_pool2d(wide), 0.01, -4, (0.01, -4))


def mean() -> Any:
    return relay.cast(relay.mean(relay.cast(image(), "int32"), [2, 3], keepdims=True), "int8")


def rescaled() -> Any:
    return requantize(relay.maximum(image(), number(-9, "int8")), 0.03, -9, (0.04, 2))


CASES: dict[str, tuple[Callable[[], Any], str]] = {
    "conv_int8": (lambda: conv_relu("int8"), "conv2d"),
    "conv_uint8": (lambda: conv_relu("uint8"), "conv2d"),
    "clip_int8": (lambda: clipped("int8"), "conv2d"),
    "clip_uint8": (lambda: clipped("uint8"), "conv2d"),
    "depthwise": (depthwise, "conv2d"),
    "dense": (dense, "flatten_dense"),
    "add_int8": (lambda: added(Q.add), "add"),
    "add_uint8": (lambda: added(Q.add, "uint8"), "add"),
    "subtract": (lambda: added(Q.subtract), "add"),
    "mul": (multiplied, "mul"),
    "avg_pool2d": (averaged, "conv2d"),
    "global_avg_pool2d": (global_average, "global_average_pool"),
    "mean": (mean, "global_average_pool"),
    "requantize": (rescaled, "rescale"),
}
"""Name -> expression, and the layer that it becomes."""
OTHER_ROUNDING = {
    **dict.fromkeys(("add_int8", "add_uint8", "subtract", "global_avg_pool2d", "mean"), 1),
    "avg_pool2d": 3,
}
"""How far Relay's own qnn ops may be: they round operands first, truncate means, and pad with 0
instead of the zero point."""


def all_ops(path: Path) -> Path:
    """One module, whose outputs they are: building a module for the host is what takes time."""
    return save(relay.Tuple([make() for make, _ in CASES.values()]), path)


def test_ops_are_exact(tmp_path: Path) -> None:
    ran = run(all_ops(tmp_path / "net.json"))
    assert Counter(ran.layers) - Counter({"max_pool2d": 3}) == Counter(k for _, k in CASES.values())
    assert ran.mismatched(CASES) == dict.fromkeys(CASES, 0)
    gaps = ran.off_by(CASES)
    assert {name: gap for name, gap in gaps.items() if gap > OTHER_ROUNDING.get(name, 0)} == {}


def test_single_ops_are_supported_where_patterns_are(tmp_path: Path) -> None:
    """Annotating op by op gives the same programs as annotating patterns."""
    path = all_ops(tmp_path / "net.json")
    by_pattern, by_op = (
        compile_relay(path, CONFIG, Choices(annotate=how)).programs for how in ANNOTATIONS
    )
    assert list(by_op) == list(by_pattern)
    for symbol, program in by_pattern.items():
        assert np.array_equal(by_op[symbol].words, program.words)
        assert np.array_equal(by_op[symbol].constants, program.constants)
