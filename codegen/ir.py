# SPDX-License-Identifier: Apache-2.0
"""The neutral graph: what an offloaded subgraph computes, in integers, free of any front end.

    Graph  := inputs: Port*, outputs: Port*, tensors: Tensor*, ops: Op* in execution order,
              moves: Move*
    Op     := Conv | MatMul | Pool | Add | Mul | Mosaic
    Move   := Concat | Take | Recast                                    (moves.py)
    Tensor := int8, logical shape [N, H, W, C]

A two-dimensional [M, C] activation is the tensor (M, 1, 1, C); dense is a 1x1 convolution; a dense
layer behind a flatten of [N, H, W, C] is a convolution with an H x W kernel. uint8 has been shifted
to int8. Every number here is exact: see accel/numerics.py for the arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

import numpy as np
import numpy.typing as npt

from accel.banks import Gather
from accel.isa import Rounding
from codegen.moves import Move

Shape = tuple[int, int, int, int]
Table = npt.NDArray[np.int8]
"""[256] int8: a result for every int8 value, by its unsigned byte. An op's table comes last."""


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
class Part:
    """A tensor that lies inside another one (set by passes/place_parts.py)."""

    whole: str
    channel: int = 0
    """Its first channel is this one of the whole, a multiple of K."""
    row: int = 0
    """The same for rows, which count through all images."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """An int8 activation."""

    name: str
    shape: Shape
    """[N, H, W, C]"""
    zero_point: int = 0
    packed: bool = False
    """Its few channels lie without a gap between pixels (set by passes/choose_feeds.py)."""
    gathers: tuple[Gather, ...] = ()
    """Rows that its readers need in different banks (set by passes/choose_feeds.py); those of a
    whole hold for its parts."""
    part: Part | None = None


@dataclass(frozen=True, slots=True)
class Port:
    """A graph input or output as the host sees it: `host.transpose(axes).reshape(tensor.shape)`."""

    tensor: str
    host_shape: tuple[int, ...]
    axes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Tail:
    """Zero point and clip after a rounding shift."""

    zero_point: int
    lo: int = -128
    hi: int = 127


@dataclass(frozen=True, slots=True, eq=False)
class Requant:
    """Per channel: clip(((acc + bias) * multiplier + (1 << (shift - 1)) >> shift) + zero_point).

    With DOUBLE, the shift rounds as `numerics.round_shift_twice` does.
    """

    bias: npt.NDArray[np.int32]
    """[C] int32; the input zero point is folded in."""
    multiplier: npt.NDArray[np.int32]
    """[C] int32, 0 <= m < 2^31."""
    shift: npt.NDArray[np.uint8]
    """[C] uint8, 1 to 62."""
    tail: Tail
    rounding: Rounding = Rounding.SINGLE


@dataclass(frozen=True, slots=True)
class AddRule:
    """y = clip(((a - a_zp) * a_mult + (b - b_zp) * b_mult + (1 << (shift - 1)) >> shift) + zp).

    With DOUBLE rounding, `numerics.rescale_add_twice`: operands are rescaled first, then their sum.
    """

    a_zp: int
    b_zp: int
    a_mult: int
    b_mult: int
    shift: int
    tail: Tail
    rounding: Rounding = Rounding.SINGLE
    a_shift: int = 0
    """Of DOUBLE only, as the two below."""
    b_shift: int = 0
    sum_mult: int = 0


@dataclass(frozen=True, slots=True)
class MulRule:
    """y = clip(((a - a_zp) * (b - b_zp) * multiplier + (1 << (shift - 1)) >> shift) + zp)."""

    a_zp: int
    b_zp: int
    multiplier: int
    shift: int
    tail: Tail
    rounding: Rounding = Rounding.SINGLE


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


@dataclass(frozen=True, slots=True)
class Graph:
    """An offloaded subgraph."""

    name: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    tensors: dict[str, Tensor] = field(default_factory=dict)
    ops: tuple[Op, ...] = ()
    moves: tuple[Move, ...] = ()


def whole_of(name: str, tensors: Mapping[str, Tensor]) -> str:
    """The tensor in which `name` lies, itself if it is no part."""
    part = tensors[name].part
    return name if part is None else whole_of(part.whole, tensors)


def families(tensors: Mapping[str, Tensor]) -> dict[str, frozenset[str]]:
    """For every tensor that is a part or has some: all that share its bytes or its whole."""
    members: dict[str, set[str]] = {}
    for name in tensors:
        members.setdefault(whole_of(name, tensors), set()).add(name)
    found = [frozenset(group) for group in members.values() if len(group) > 1]
    return {name: group for group in found for name in group}


def clipping(low: int = -128, high: int = 127) -> Requant:
    """Requantization of a max pool: clip only."""
    zeros = np.zeros(1, np.int32)
    return Requant(zeros, zeros, np.ones(1, np.uint8), Tail(0, low, high))


def reads(op: Op) -> tuple[str, ...]:
    """Tensors that an op reads, the main one first."""
    match op:
        case Conv():
            return (op.input,) if op.residual is None else (op.input, op.residual)
        case Pool() | Mosaic():
            return (op.input,)
        case MatMul() | Add() | Mul():
            return op.a, op.b


def live(graph: Graph) -> Graph:
    """`graph` without ops and tensors that no output needs."""
    family = families(graph.tensors)
    needed: set[str] = set()

    def need(*names: str) -> None:
        for name in names:
            needed.update(family.get(name, {name}))

    need(*(port.tensor for port in graph.outputs))
    ops: list[Op] = []
    for op in reversed(graph.ops):
        if op.output in needed:
            ops.append(op)
            need(*reads(op))
    needed.update(port.tensor for port in graph.inputs)
    tensors = {name: tensor for name, tensor in graph.tensors.items() if name in needed}
    return replace(graph, tensors=tensors, ops=tuple(reversed(ops)))


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
