# SPDX-License-Identifier: Apache-2.0
"""Neutral graphs for tests: a builder with terse defaults, and random graphs for hypothesis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from accel.config import load_config
from accel.isa import Rounding
from codegen import ir, moves
from codegen.geometry import Axis
from codegen.mosaics import copy_of, repeated, transposed, uneven_average
from codegen.moves import BATCH, CHANNEL, PIXEL, ROW, Concat, Move, Recast, Take

DEFAULT, TINY, SMALL, TALL, WIDE = map(load_config, ("default", "tiny", "small", "tall", "wide"))
CRAMPED = replace(DEFAULT, act_kib=8, weight_kib=4, param_kib=1, acc_entries=32, queue_depth=2)
"""16 x 16 lanes with hardly any memory: bands, weight chunks and tiles everywhere."""
NARROW_BUS = replace(
    TINY, k_lanes=4, n_lanes=16, bus_bytes=4, act_kib=4, weight_kib=1, depthwise=False, tables=1
)
"""Four activation words to an output vector, one to a bus beat."""
CONFIGS = {
    "default": DEFAULT,
    "tiny": TINY,
    "small": SMALL,
    "tall": TALL,
    "wide": WIDE,
    "cramped": CRAMPED,
    "narrow_bus": NARROW_BUS,
}
FULL_TAIL = ir.Tail(0)
POINT = ir.Window2d((1, 1))


class Builder:
    """Grows a graph op by op; weights and multipliers come from a seeded generator."""

    def __init__(self, seed: int = 0, rounding: Rounding = Rounding.SINGLE) -> None:
        self.random = np.random.default_rng(seed)
        self.rounding = rounding
        self.tensors: dict[str, ir.Tensor] = {}
        self.inputs: list[str] = []
        self.ops: list[ir.Op] = []
        self.moves: list[Move] = []

    def input(self, shape: ir.Shape, zero_point: int = 0) -> str:
        """Add a graph input."""
        name = self._tensor(f"in{len(self.inputs)}", shape, zero_point)
        self.inputs.append(name)
        return name

    def conv(
        self,
        source: str,
        channels: int,
        window: ir.Window2d | None = None,
        groups: int = 1,
        residual: str | None = None,
        tail: ir.Tail = FULL_TAIL,
    ) -> str:
        """Add a convolution; returns its output tensor."""
        window = window or ir.Window2d((1, 1))
        cin = self.tensors[source].shape[3] // groups
        weight = self.random.integers(-128, 128, (channels, *window.kernel, cin), np.int8)
        rule = None if residual is None else self.rule(residual, tail, tail)
        name, output, origin = self._names("conv", source, window, channels, tail)
        requant = self._requant(channels, weight[0].size * 16, tail)
        self.ops.append(
            ir.Conv(name, origin, source, output, weight, window, groups, requant, residual, rule)
        )
        return output

    def pool(
        self, source: str, kind: ir.PoolKind, window: ir.Window2d, tail: ir.Tail = FULL_TAIL
    ) -> str:
        """Add a pooling; returns its output tensor."""
        channels = self.tensors[source].shape[3]
        name, output, origin = self._names(kind.value, source, window, channels, tail)
        requant = self._requant(1, window.kernel[0] * window.kernel[1], tail)
        self.ops.append(ir.Pool(name, origin, source, output, kind, window, requant))
        return output

    def add(self, a: str, b: str, tail: ir.Tail = FULL_TAIL) -> str:
        """Add an element-wise addition; returns its output tensor."""
        channels = self.tensors[a].shape[3]
        name, output, origin = self._names("add", a, ir.Window2d((1, 1)), channels, tail)
        a_tail = ir.Tail(self.tensors[a].zero_point)
        rule = self.rule(b, a_tail, tail)
        if self.rounding == Rounding.DOUBLE:
            rule = self._twice(rule)
        self.ops.append(ir.Add(name, origin, a, b, output, rule))
        return output

    def _twice(self, rule: ir.AddRule) -> ir.AddRule:
        """A random rule of an addition or difference that rounds twice."""
        a_mult, b_mult, sum_mult = (int(m) for m in self.random.integers(1 << 30, 1 << 31, 3))
        a_shift, b_shift = (int(s) for s in self.random.integers(0, 3, 2))
        return replace(
            rule,
            rounding=self.rounding,
            a_mult=a_mult,
            b_mult=int(self.random.choice([-1, 1])) * b_mult,
            a_shift=a_shift,
            b_shift=b_shift,
            sum_mult=sum_mult,
            shift=50,
        )

    def mul(self, a: str, b: str, tail: ir.Tail = FULL_TAIL) -> str:
        """Add an element-wise product; returns its output tensor."""
        channels = self.tensors[a].shape[3]
        name, output, origin = self._names("mul", a, ir.Window2d((1, 1)), channels, tail)
        zeros = self.tensors[a].zero_point, self.tensors[b].zero_point
        multiplier = int(self.random.integers(1 << 23, 1 << 25))
        self.ops.append(
            ir.Mul(
                name, origin, a, b, output, ir.MulRule(*zeros, multiplier, 31, tail, self.rounding)
            )
        )
        return output

    def look_up(self, source: str) -> str:
        """Add a random table; returns its output tensor."""
        channels = self.tensors[source].shape[3]
        window = ir.Window2d((1, 1))
        name, output, origin = self._names("table", source, window, channels, FULL_TAIL)
        table = self.random.integers(-128, 128, 256, np.int8)
        kind, clip = ir.PoolKind.MAX, ir.clipping()
        self.ops.append(ir.Pool(name, origin, source, output, kind, window, clip, table))
        return output

    def matmul(self, a: str, b: str, heads: int, *, transposed: bool, images: int = 1) -> str:
        """Add a product of activations; returns its output tensor."""
        left, right = self.tensors[a], self.tensors[b]
        size = right.shape[0] // images if transposed else right.shape[3] // heads
        name, output, origin = self._names("matmul", a, POINT, heads * size, FULL_TAIL)
        requant = self._requant(1, left.shape[3] // heads * 16, FULL_TAIL)
        requant = replace(requant, bias=np.zeros(1, np.int32))
        zeros = left.zero_point, right.zero_point
        self.ops.append(
            ir.MatMul(name, origin, a, b, output, images, heads, transposed, *zeros, requant)
        )
        return output

    def upsample(
        self, source: str, channels: int, window: ir.Window2d, extra: int = 0, groups: int = 1
    ) -> str:
        """Add a transposed convolution with `extra` output padding; returns its output tensor."""
        n, *sizes, cin = self.tensors[source].shape
        outputs = [
            (size - 1) * window.stride[i]
            + (window.kernel[i] - 1) * window.dilation[i]
            + 1
            - window.padding[i]
            - window.padding[i + 2]
            + extra
            for i, size in enumerate(sizes)
        ]
        index = len(self.ops)
        output = self._tensor(f"t{index}", (n, outputs[0], outputs[1], channels), 0)
        weight = self.random.integers(-128, 128, (channels, *window.kernel, cin // groups), np.int8)
        requant = self._requant(channels, weight[0].size * 8, FULL_TAIL)
        origin = ir.Source(f"Node_{index}", index)
        conv = ir.Conv(f"up{index}", origin, source, output, weight, window, groups, requant)
        zero_point = self.tensors[source].zero_point
        self.ops.append(transposed(conv, (outputs[0], outputs[1]), zero_point))
        return output

    def repeat(self, source: str, factors: tuple[int, int]) -> str:
        """Add a resize by whole factors; returns its output tensor."""
        n, h, w, c = self.tensors[source].shape
        index, shape = len(self.ops), (n, h * factors[0], w * factors[1], c)
        output = self._tensor(f"t{index}", shape, self.tensors[source].zero_point)
        copy = copy_of(f"repeat{index}", ir.Source(f"Node_{index}", index), source, output)
        self.ops.append(repeated(copy, (h, w), factors))
        return output

    def uneven(self, source: str, window: ir.Window2d) -> str:
        """Add an average pool that counts no padding; returns its output tensor."""
        output = self.pool(source, ir.PoolKind.AVERAGE, window)
        pool = self.ops.pop()
        assert isinstance(pool, ir.Pool)
        _, oh, ow, _ = self.tensors[output].shape
        size = self.tensors[source].shape[1:3]
        multiplier = self.random.integers(1 << 29, 1 << 30, (oh, 1)) + np.arange(ow)
        shift = np.full((oh, ow), 34)
        zero_point = self.tensors[source].zero_point
        self.ops.append(uneven_average(pool, multiplier, shift, zero_point, size))
        return output

    def concat(self, *names: str, axis: int = CHANNEL) -> str:
        """Join tensors; returns the result."""
        shape = list(self.tensors[names[0]].shape)
        shape[axis] = sum(self.tensors[name].shape[axis] for name in names)
        output = self._moved(shape, names[0])
        self.moves.append(Concat("Concat", names, output, axis, len(self.ops)))
        return output

    def take(self, source: str, indices: Sequence[int], axis: int = CHANNEL) -> str:
        """Take a part of a tensor; returns it."""
        shape = list(self.tensors[source].shape)
        shape[axis] = len(indices)
        output = self._moved(shape, source)
        self.moves.append(Take("Slice", source, output, axis, tuple(indices), len(self.ops)))
        return output

    def recast(self, source: str) -> str:
        """Every pixel a row of its own; returns the result."""
        n, h, w, c = self.tensors[source].shape
        output = self._moved([n * h * w, 1, 1, c], source)
        self.moves.append(Recast("Transpose", source, output, len(self.ops)))
        return output

    def _moved(self, shape: list[int], source: str) -> str:
        n, h, w, c = shape
        name = f"m{len(self.moves)}"
        return self._tensor(name, (n, h, w, c), self.tensors[source].zero_point)

    def rule(self, b: str, a_tail: ir.Tail, tail: ir.Tail) -> ir.AddRule:
        """A random addition rule that keeps most results inside int8."""
        a_mult, b_mult = (int(m) for m in self.random.integers(1 << 18, 1 << 20, 2))
        b_zp = self.tensors[b].zero_point
        return ir.AddRule(a_tail.zero_point, b_zp, a_mult, b_mult, 20, tail)

    def graph(self, outputs: tuple[str, ...] | None = None, ports: bool = False) -> ir.Graph:
        """The finished graph; `outputs` defaults to every tensor that nothing reads.

        With `ports`, the host sees NCHW (or [N, C] where H and W are 1) instead of NHWC.
        """
        read = {name for op in self.ops for name in ir.reads(op)}
        read |= {name for move in self.moves for name in moves.reads(move)}
        if outputs is None:
            made = [op.output for op in self.ops] + [move.output for move in self.moves]
            outputs = tuple(name for name in made if name not in read)
        port = self._host_port if ports else self._port
        return ir.Graph(
            "test",
            tuple(port(name) for name in self.inputs if name in read),
            tuple(map(port, outputs)),
            dict(self.tensors),
            tuple(self.ops),
            tuple(self.moves),
        )

    def data(self) -> dict[str, npt.NDArray[np.int8]]:
        """Random [N, H, W, C] inputs."""
        return {
            name: self.random.integers(-128, 128, self.tensors[name].shape, np.int8)
            for name in self.inputs
        }

    def _tensor(self, name: str, shape: ir.Shape, zero_point: int) -> str:
        self.tensors[name] = ir.Tensor(name, shape, zero_point)
        return name

    def _names(
        self, kind: str, source: str, window: ir.Window2d, channels: int, tail: ir.Tail
    ) -> tuple[str, str, ir.Source]:
        index = len(self.ops)
        n, h, w, _ = self.tensors[source].shape
        vertical, horizontal = (window_axis(window, i, size) for i, size in enumerate((h, w)))
        shape = (n, vertical.outputs, horizontal.outputs, channels)
        output = self._tensor(f"t{index}", shape, tail.zero_point)
        return f"{kind}{index}", output, ir.Source(f"Node_{index}", index)

    def _requant(self, channels: int, spread: int, tail: ir.Tail) -> ir.Requant:
        """Random, such that sums of about `spread` int8 values end up all over int8."""
        multiplier = self.random.integers(1 << 29, 1 << 31, channels).astype(np.int32)
        shift = 30 + self.random.integers(0, 2, channels) + spread.bit_length()
        bias = self.random.integers(-64 * spread, 64 * spread + 1, channels).astype(np.int32)
        return ir.Requant(bias, multiplier, shift.astype(np.uint8), tail, self.rounding)

    def _port(self, name: str) -> ir.Port:
        return ir.Port(name, self.tensors[name].shape, (0, 1, 2, 3))

    def _host_port(self, name: str) -> ir.Port:
        n, h, w, c = self.tensors[name].shape
        if h == w == 1:
            return ir.Port(name, (n, c), (0, 1))
        return ir.Port(name, (n, c, h, w), (0, 2, 3, 1))


def window_axis(window: ir.Window2d, axis: int, size: int) -> Axis:
    """One axis of a window over `size` rows or pixels."""
    return Axis(
        size,
        window.kernel[axis],
        window.stride[axis],
        window.padding[axis],
        window.padding[axis + 2],
        window.dilation[axis],
    )


KINDS = ["conv", "conv", "residual", "max", "average", "add", "mul", "table", "gate"]
KINDS += ["concat", "concat", "take", "upsample", "repeat", "uneven"]
SEEDS = st.integers(0, 2**32 - 1)
CONFIG_NAMES = st.sampled_from(sorted(CONFIGS))


@st.composite
def windows(draw: st.DrawFn, size: tuple[int, int], dilated: bool) -> ir.Window2d:
    """A window that fits an image of `size` and never sees padding only."""
    axes = [draw(_axes(extent, 2 if dilated else 1)) for extent in size]
    kernel, stride, before, after, dilation = zip(*axes, strict=True)
    return ir.Window2d(kernel, stride, (*before, *after), dilation)


@st.composite
def _axes(draw: st.DrawFn, size: int, most_dilation: int) -> tuple[int, int, int, int, int]:
    dilation = draw(st.integers(1, most_dilation))
    kernel = draw(st.integers(1, min(5, 1 + (size - 1) // dilation)))
    reach = (kernel - 1) * dilation + 1
    before, after = (draw(st.integers(0, reach - 1)) for _ in range(2))
    return kernel, draw(st.integers(1, 3)), before, after, dilation


@st.composite
def tails(draw: st.DrawFn) -> ir.Tail:
    """Any zero point; a clip on either side of it."""
    zero_point = draw(st.integers(-128, 127))
    return draw(
        st.sampled_from(
            [
                ir.Tail(zero_point),
                ir.Tail(zero_point, lo=zero_point),
                ir.Tail(zero_point, lo=min(zero_point, 50), hi=max(zero_point, 51)),
            ]
        )
    )


@st.composite
def builders(draw: st.DrawFn, most_ops: int = 4) -> Builder:
    """Random graphs of all ops, wired at random."""
    builder = Builder(draw(SEEDS), draw(st.sampled_from(Rounding)))
    sides, channels = st.integers(1, 24), st.one_of(st.integers(1, 8), st.integers(1, 40))
    batch = draw(st.sampled_from([1, 1, 2, 3]))
    shape = batch, draw(sides), draw(sides), draw(channels)
    tensors = [builder.input(shape, draw(st.integers(-128, 127)))]
    if draw(st.booleans()):
        tensors.append(builder.input(shape, draw(st.integers(-128, 127))))
    for _ in range(draw(st.integers(1, most_ops))):
        tensors.append(draw(_ops(builder, tensors)))
    return builder


@st.composite
def _ops(draw: st.DrawFn, builder: Builder, tensors: list[str]) -> str:
    source = draw(st.sampled_from(tensors[::-1]))
    shape = builder.tensors[source].shape
    tail = draw(tails())
    twins = [t for t in tensors if builder.tensors[t].shape == shape]
    kind = draw(st.sampled_from(KINDS))
    if kind == "table":
        return builder.look_up(source)
    if kind == "repeat":
        return builder.repeat(source, (draw(st.integers(1, 3)), draw(st.integers(1, 3))))
    if kind == "upsample":
        return draw(_upsampled(builder, source))
    if kind == "concat":
        return draw(_joined(builder, tensors, source))
    if kind == "take":
        axis = draw(st.sampled_from([BATCH, ROW, PIXEL, CHANNEL, CHANNEL]))
        return builder.take(source, draw(_indices(shape[axis], axis)), axis)
    if kind in ("add", "mul"):
        combine = builder.add if kind == "add" else builder.mul
        return combine(source, draw(st.sampled_from(twins)), tail)
    if kind == "gate":  # squeeze-and-excite: an image's mean meets all of its pixels
        mean = builder.pool(source, ir.PoolKind.AVERAGE, ir.Window2d(shape[1:3]), tail)
        return draw(st.sampled_from([builder.add, builder.mul]))(source, mean, tail)
    window = draw(windows(shape[1:3], dilated=kind == "conv"))
    if kind == "uneven":
        return builder.uneven(source, window)
    if kind in ("max", "average"):
        return builder.pool(source, ir.PoolKind(kind), window, tail)
    groups = draw(st.sampled_from([g for g in (1, 2, 3, 4, shape[3]) if shape[3] % g == 0]))
    if kind == "conv":
        channels = groups * draw(st.integers(1, max(1, 40 // groups)))
        return builder.conv(source, channels, window, groups, tail=tail)
    window = draw(st.sampled_from([ir.Window2d((1, 1)), ir.Window2d((3, 3), padding=(1, 1, 1, 1))]))
    return builder.conv(source, shape[3], window, groups, draw(st.sampled_from(twins)), tail)


@st.composite
def _upsampled(draw: st.DrawFn, builder: Builder, source: str) -> str:
    """A transposed convolution, more or less cropped, with more or less output padding."""
    stride, kernel, dilation = (
        tuple(draw(st.integers(1, most)) for _ in range(2)) for most in (4, 5, 2)
    )
    least = min((k - 1) * d for k, d in zip(kernel, dilation, strict=True))
    pad = draw(st.integers(0, least // 2))
    window = ir.Window2d(kernel, stride, (pad,) * 4, dilation)
    cin = builder.tensors[source].shape[3]
    groups = draw(st.sampled_from([g for g in (1, 1, 2, cin) if cin % g == 0]))
    channels = groups * draw(st.integers(1, max(1, 20 // groups)))
    return builder.upsample(source, channels, window, draw(st.integers(0, min(stride) - 1)), groups)


@st.composite
def _joined(draw: st.DrawFn, builder: Builder, tensors: list[str], source: str) -> str:
    """`source` and others whose shapes allow it, one after the other."""
    shape = builder.tensors[source].shape
    axis = draw(st.sampled_from([CHANNEL, CHANNEL, BATCH, ROW] if shape[0] == 1 else [CHANNEL]))

    def rest(name: str) -> list[int]:
        return [size for i, size in enumerate(builder.tensors[name].shape) if i != axis]

    others = [name for name in tensors if rest(name) == rest(source)]
    names = draw(st.lists(st.sampled_from(others), min_size=1, max_size=2))
    return builder.concat(*draw(st.permutations([source, *names])), axis=axis)


@st.composite
def _indices(draw: st.DrawFn, size: int, axis: int) -> list[int]:
    """A slice; any channels in any order."""
    if axis == CHANNEL and draw(st.booleans()):
        return draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=40))
    first = draw(st.integers(0, size - 1))
    step = 1 if axis == BATCH else draw(st.integers(1, 3))
    return list(range(first, draw(st.integers(first + 1, size)), step))
