# SPDX-License-Identifier: Apache-2.0
"""What a neutral graph computes, straight from the doc strings of codegen/ir.

Shares no code with the functional model: whole tensors, no layout, no tiles, no commands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from accel.isa import Rounding
from codegen import ir
from codegen.moves import Concat, Move, Take

Int8Array = npt.NDArray[np.int8]
Int64Array = npt.NDArray[np.int64]


def evaluate(graph: ir.Graph, inputs: Mapping[str, Int8Array]) -> dict[str, Int8Array]:
    """Every tensor of `graph`, given its [N, H, W, C] int8 inputs."""
    known = dict(inputs)
    for position, op in enumerate(graph.ops):
        _move(graph, position, known)
        match op:
            case ir.Conv():
                value = _conv(op, graph, known)
            case ir.MatMul():
                value = _product(op, known[op.a], known[op.b])
            case ir.Pool():
                value = _pool(op, known[op.input].astype(np.int64))
            case ir.Mosaic():
                value = _mosaic(op, graph, known)
            case ir.Add():
                value = _rescaled(op.rule, known[op.a], known[op.b])
            case ir.Mul():
                value = _multiplied(op.rule, known[op.a], known[op.b])
        if op.table is not None:
            value = op.table[value.view(np.uint8)]
        assert value.shape == graph.tensors[op.output].shape
        known[op.output] = value
    _move(graph, len(graph.ops), known)
    return known


def _move(graph: ir.Graph, position: int, known: dict[str, Int8Array]) -> None:
    """The moves before the op at `position`."""
    for move in graph.moves:
        if move.before == position:
            known[move.output] = _moved(move, graph, known)


def _moved(move: Move, graph: ir.Graph, known: Mapping[str, Int8Array]) -> Int8Array:
    match move:
        case Concat():
            return np.concatenate([known[name] for name in move.inputs], axis=move.axis)
        case Take():
            return known[move.input].take(move.indices, axis=move.axis)
    return known[move.input].reshape(graph.tensors[move.output].shape)


def _mosaic(op: ir.Mosaic, graph: ir.Graph, known: Mapping[str, Int8Array]) -> Int8Array:
    """Every pixel exactly once; padding is as much as the patch's size asks for."""
    value = np.zeros(graph.tensors[op.output].shape, np.int16)
    times = np.zeros(value.shape[1:3], int)
    for patch in op.patches:
        window, source = patch.op.window, known[op.input].shape[1:3]
        ends = [
            (patch.size[i] - 1) * window.stride[i]
            + (window.kernel[i] - 1) * window.dilation[i]
            + 1
            - window.padding[i]
            - source[i]
            for i in (0, 1)
        ]
        whole = replace(patch.op, window=replace(window, padding=(*window.padding[:2], *ends)))
        where = tuple(
            slice(first, first + (size - 1) * step + 1, step)
            for first, size, step in zip(patch.first, patch.size, patch.step, strict=True)
        )
        value[(slice(None), *where)] = (
            _conv(whole, graph, known)
            if isinstance(whole, ir.Conv)
            else _pool(whole, known[op.input].astype(np.int64))
        )
        times[where] += 1
    assert (times == 1).all()
    return value.astype(np.int8)


def _conv(op: ir.Conv, graph: ir.Graph, known: Mapping[str, Int8Array]) -> Int8Array:
    source = graph.tensors[op.input]
    x = _padded(known[op.input].astype(np.int64), op.window, source.zero_point)
    weight = op.weight.astype(np.int64)
    cin, cout = weight.shape[3], weight.shape[0] // op.groups
    parts = []
    for group in range(op.groups):
        kernel = weight[group * cout : (group + 1) * cout]
        part = x[..., group * cin : (group + 1) * cin]
        parts.append(
            sum(_tap(part, op.window, t) @ kernel[:, t[0], t[1]].T for t in _taps(op.window))
        )
    value = _requantized(op.requant, np.concatenate(parts, axis=-1))
    if op.residual is None or op.add is None:
        return value
    return _rescaled(op.add, value, known[op.residual])


def _product(op: ir.MatMul, a: Int8Array, b: Int8Array) -> Int8Array:
    def split(x: Int8Array, zero_point: int) -> Int64Array:
        parts = x.reshape(op.images, len(x) // op.images, op.heads, -1)
        return parts.astype(np.int64) - zero_point

    left, right = split(a, op.a_zp).transpose(0, 2, 1, 3), split(b, op.b_zp)
    right = right.transpose((0, 2, 3, 1) if op.transposed else (0, 2, 1, 3))
    acc = (left @ right).transpose(0, 2, 1, 3)
    return _requantized(op.requant, acc.reshape(len(a), 1, 1, -1))


def _pool(op: ir.Pool, x: Int64Array) -> Int8Array:
    average = op.kind is ir.PoolKind.AVERAGE
    x = _padded(x, op.window, 0 if average else -128)
    taps = np.stack([_tap(x, op.window, tap) for tap in _taps(op.window)])
    if average:
        return _requantized(op.requant, taps.sum(axis=0))
    tail = op.requant.tail
    return np.clip(taps.max(axis=0), tail.lo, tail.hi).astype(np.int8)


def _padded(x: Int64Array, window: ir.Window2d, fill: int) -> Int64Array:
    top, left, bottom, right = (max(p, 0) for p in window.padding)
    widths = ((0, 0), (top, bottom), (left, right), (0, 0))
    padded = np.pad(x, widths, constant_values=fill)
    top, left, bottom, right = (max(-p, 0) for p in window.padding)
    return padded[:, top : padded.shape[1] - bottom, left : padded.shape[2] - right]


def _taps(window: ir.Window2d) -> list[tuple[int, int]]:
    return [(ky, kx) for ky in range(window.kernel[0]) for kx in range(window.kernel[1])]


def _tap(x: Int64Array, window: ir.Window2d, tap: tuple[int, int]) -> Int64Array:
    """The pixels under one kernel element, one for each output pixel."""
    index = [slice(None)]
    for axis in (0, 1):
        reach = (window.kernel[axis] - 1) * window.dilation[axis] + 1
        start = tap[axis] * window.dilation[axis]
        stop = x.shape[1 + axis] - reach + start + 1
        index.append(slice(start, stop, window.stride[axis]))
    return x[tuple(index)]


def _shifted(value: Int64Array, shift: Int64Array | int, rounding: Rounding) -> Int64Array:
    """One rounding, half up; or two, the second half away from zero, in TFLite's words."""
    amount = np.asarray(shift, np.int64)
    if rounding == Rounding.SINGLE:
        return (value + (1 << amount - 1)) >> amount
    first = np.minimum(amount, 31)
    high = np.floor_divide(value + (1 << first - 1), 1 << first)
    mask = (1 << amount - first) - 1
    threshold = (mask >> 1) + (high < 0)
    return (high >> amount - first) + ((high & mask) > threshold)


def _requantized(requant: ir.Requant, acc: Int64Array) -> Int8Array:
    scaled = (acc + requant.bias) * requant.multiplier.astype(np.int64)
    return _tail(requant.tail, _shifted(scaled, requant.shift, requant.rounding))


def _rescaled(rule: ir.AddRule, a: Int8Array, b: Int8Array) -> Int8Array:
    x, y = a.astype(np.int64) - rule.a_zp, b.astype(np.int64) - rule.b_zp
    if rule.rounding == Rounding.SINGLE:
        total = x * rule.a_mult + y * rule.b_mult
        return _tail(rule.tail, _shifted(total, rule.shift, rule.rounding))
    x = _shifted((x << 20) * abs(rule.a_mult), 31 + rule.a_shift, rule.rounding)
    y = _shifted((y << 20) * abs(rule.b_mult), 31 + rule.b_shift, rule.rounding)
    total = x * np.sign(rule.a_mult) + y * np.sign(rule.b_mult)
    return _tail(rule.tail, _shifted(total * rule.sum_mult, rule.shift, rule.rounding))


def _multiplied(rule: ir.MulRule, a: Int8Array, b: Int8Array) -> Int8Array:
    total = (a.astype(np.int64) - rule.a_zp) * (b.astype(np.int64) - rule.b_zp) * rule.multiplier
    return _tail(rule.tail, _shifted(total, rule.shift, rule.rounding))


def _tail(tail: ir.Tail, value: Int64Array) -> Int8Array:
    return np.clip(value + tail.zero_point, tail.lo, tail.hi).astype(np.int8)
