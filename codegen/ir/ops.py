# SPDX-License-Identifier: Apache-2.0
"""Ops of the neutral graph, and what they read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
import numpy.typing as npt

from codegen.ir.rules import AddRule, MulRule, Requant, Table
from codegen.ir.tensors import Tensor


@dataclass(frozen=True, slots=True)
class Source:
    """Where an op comes from."""

    node: str
    """Names of the ONNX nodes, joined by "+"."""
    index: int
    """Position of the op in its graph."""
    variable: str = ""
    """Variable of the integer module that it computes."""


@dataclass(frozen=True, slots=True)
class Window2d:
    """Kernel, stride, padding (top, left, bottom, right) and dilation."""

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)


@dataclass(frozen=True, slots=True, eq=False)
class Conv:
    """acc = sum of weight * input, padding holds the input's zero point; then `requant`.

    With `residual`, `add.a` is the requantized value and `add.b` the residual tensor.
    """

    name: str
    source: Source
    input: str
    output: str
    weight: npt.NDArray[np.int8]
    """[Cout, KH, KW, Cin / groups] int8."""
    window: Window2d
    groups: int
    requant: Requant
    residual: str | None = None
    add: AddRule | None = None
    table: Table | None = None
    overhead: bool = False
    """It only scales or picks channels: no multiply-accumulates that the literature counts."""
    idle: int = 0
    """Input channels without weights, which do not count either."""


@dataclass(frozen=True, slots=True, eq=False)
class MatMul:
    """Product of two activations, head by head: an attention's scores and its mixing.

    acc[p, h, n] = sum over k of (a[p, h, k] - a_zp) * (b[k, h, n] - b_zp); then `requant`, of one
    channel. For each of `images`, a has M rows of H * K channels, b has K rows of H * C, the result
    M rows of H * C. `transposed`: b has C rows of H * K, its rows are the result's channels. All
    tensors are [images * rows, 1, 1, channels].
    """

    name: str
    source: Source
    a: str
    b: str
    output: str
    images: int
    heads: int
    transposed: bool
    a_zp: int
    b_zp: int
    requant: Requant
    table: Table | None = None


class PoolKind(Enum):
    """Reduction of a pooling window."""

    MAX = "max"
    AVERAGE = "average"


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Pool over the pixels that exist; padding never counts.

    MAX only clips, AVERAGE requantizes the sum. For AVERAGE `requant` has one channel and its bias
    holds -count * zero point; an average pool whose windows differ in pixel count is several ops or
    stays on the host.
    """

    name: str
    source: Source
    input: str
    output: str
    kind: PoolKind
    window: Window2d
    requant: Requant
    table: Table | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Add:
    """Element-wise addition; `b` has the shape of `a`, or is [N, 1, 1, C] and meets all pixels."""

    name: str
    source: Source
    a: str
    b: str
    output: str
    rule: AddRule
    table: Table | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Mul:
    """Element-wise product; shapes as in `Add`."""

    name: str
    source: Source
    a: str
    b: str
    output: str
    rule: MulRule
    table: Table | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """Output pixels (first + step * i) that an op computes, `size` of them along both axes."""

    first: tuple[int, int]
    step: tuple[int, int]
    size: tuple[int, int]
    op: Conv | Pool
    """As if the patch were its whole output; windows may reach beyond the input on any side."""


@dataclass(frozen=True, slots=True, eq=False)
class Mosaic:
    """Patches that together make one output, each pixel once, from one input.

    All are convolutions or all are pools, without residual. Transposed convolutions and repeated
    pixels interleave patches, averages over different numbers of pixels put them side by side.
    """

    name: str
    source: Source
    input: str
    output: str
    patches: tuple[Patch, ...]

    @property
    def table(self) -> Table | None:
        """The table of all patches."""
        return self.patches[0].op.table

    @property
    def convolves(self) -> bool:
        """Whether patches are convolutions."""
        return isinstance(self.patches[0].op, Conv)


Op = Conv | MatMul | Pool | Add | Mul | Mosaic


def reads(op: Op) -> tuple[str, ...]:
    """Tensors that an op reads, the main one first."""
    match op:
        case Conv():
            return (op.input,) if op.residual is None else (op.input, op.residual)
        case Pool() | Mosaic():
            return (op.input,)
        case MatMul() | Add() | Mul():
            return op.a, op.b


def weights_of(op: Op) -> str | None:
    """The tensor that an op reads as weights: from memory, not from the activation SRAM."""
    return op.b if isinstance(op, MatMul) else None


def holds_input(op: Op) -> bool:
    """Whether every channel part of the output needs all channels of the input."""
    return isinstance(op, Conv | MatMul) or (isinstance(op, Mosaic) and op.convolves)


def patch_tensors(patch: Patch, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """`tensors`, where the patch alone is its op's output."""
    whole = tensors[patch.op.output]
    n, _, _, c = whole.shape
    return {**tensors, whole.name: replace(whole, shape=(n, *patch.size, c), part=None)}
