# SPDX-License-Identifier: Apache-2.0
"""Turn moves into addresses, and into ops that copy where addresses do not do.

Before: a graph with moves. After: the same results without; what is joined lies inside the result,
what is taken lies inside its source.

    c = concat(a [.., 32], b [.., 16])   ->   a and b are parts of c, from channel 0 and 32 on
    d = c[.., 16:48]                     ->   d is a part of c, from channel 16 on

A recast is an address, too: without gaps between rows, pixels lie in the same order whatever the
rows' length. Channels are addressed by output vectors of N. Where they do not begin there, a 1x1
convolution with ones picks them; `fold_selections` moves it into the convolutions that read it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from accel.config import AccelConfig
from accel.layout import round_up
from codegen import ir, moves
from codegen.bands import POINT
from codegen.identity import identity
from codegen.moves import BATCH, CHANNEL, ROW, Concat, Recast, Take


def place_parts(graph: ir.Graph, config: AccelConfig) -> ir.Graph:
    """Turn all moves of `graph` into parts, copies and selections."""
    if not graph.moves:
        return graph
    flat = _flattened(graph)
    placer = _Placer(flat, config)
    ops: list[ir.Op] = []
    for position in range(len(flat.ops) + 1):
        for move in flat.moves:
            if move.before == position:
                ops += placer.place(move)
        ops += flat.ops[position : position + 1]
    ops = [replace(op, source=replace(op.source, index=index)) for index, op in enumerate(ops)]
    return ir.live(replace(flat, ops=tuple(ops), tensors=placer.tensors, moves=()))


def _flattened(graph: ir.Graph) -> ir.Graph:
    """A concatenation that only another one reads becomes part of that."""
    uses = Counter(name for op in graph.ops for name in ir.reads(op))
    uses.update(name for move in graph.moves for name in moves.reads(move))
    uses.update(port.tensor for port in graph.outputs)
    joined: dict[str, Concat] = {}
    for move in graph.moves:
        if isinstance(move, Concat):
            inputs: tuple[str, ...] = ()
            for name in move.inputs:
                inner = joined.get(name)
                if inner is not None and inner.axis == move.axis and uses[name] == 1:
                    inputs += joined.pop(name).inputs
                else:
                    inputs += (name,)
            joined[move.output] = replace(move, inputs=inputs)
    kept = [
        joined[move.output] if isinstance(move, Concat) else move
        for move in graph.moves
        if not isinstance(move, Concat) or move.output in joined
    ]
    return replace(graph, moves=tuple(kept))


class _Placer:
    """Decides move by move; remembers which tensors are parts."""

    def __init__(self, graph: ir.Graph, config: AccelConfig) -> None:
        self.config = config
        self.tensors = dict(graph.tensors)
        self.outputs = {port.tensor for port in graph.outputs}
        self.made = {op.output for op in graph.ops}
        self.gapped: dict[str, tuple[str, list[int]]] = {}
        """Joined tensors: the same with gaps, and where their channels are in it."""

    def place(self, move: moves.Move) -> list[ir.Op]:
        """Ops that the move needs."""
        match move:
            case Concat():
                return self._join(move)
            case Take():
                return self._take(move)
        self.made.add(move.output)
        return self._view(move, ir.Part(move.input))

    def _join(self, move: Concat) -> list[ir.Op]:
        names, n = list(move.inputs), self.config.n_lanes
        ops: list[ir.Op] = []
        target = move.output
        if move.axis == CHANNEL:
            names = [self.gapped[name][0] if name in self.gapped else name for name in names]
            ragged = any(self.tensors[name].shape[3] % n for name in names[:-1])
            if ragged or names != list(move.inputs):
                target, ops = self._gapped(move, names)
        self.made.add(move.output)
        copies: list[ir.Op] = []
        first = 0
        for name in names:
            shape = self.tensors[name].shape
            if move.axis == CHANNEL:
                part = ir.Part(target, channel=first)
                first += round_up(shape[3], n)
            else:
                part = ir.Part(target, row=first * (1 if move.axis == ROW else shape[1]))
                first += shape[move.axis]
            copies += self._put(name, part, move.node)
        return [*copies, *ops]

    def _put(self, name: str, part: ir.Part, node: str) -> list[ir.Op]:
        """Let `name` be a part of another tensor, or copy it there."""
        tensor = self.tensors[name]
        free = name in self.made and name not in self.outputs and tensor.part is None
        if free and ir.whole_of(part.whole, self.tensors) != name:
            self.tensors[name] = replace(tensor, part=part)
            return []
        copied = self._new(tensor.shape, tensor.zero_point, part)
        return [self._copy(node, name, copied, POINT)]

    def _gapped(self, move: Concat, names: list[str]) -> tuple[str, list[ir.Op]]:
        """A tensor in which every input begins an output vector, and how to close the gaps."""
        target, chosen, start, end = self.tensors[move.output], list[int](), 0, 0
        for given, name in zip(move.inputs, names, strict=True):
            channels = self.tensors[name].shape[3]
            inner = self.gapped[given][1] if given in self.gapped else range(channels)
            chosen += [start + channel for channel in inner]
            end = start + channels
            start += round_up(channels, self.config.n_lanes)
        wide = self._new((*target.shape[:3], end), target.zero_point)
        self.made.add(wide)
        self.gapped[move.output] = wide, chosen
        return wide, [self._select(move.node, wide, move.output, chosen)]

    def _take(self, move: Take) -> list[ir.Op]:
        self.made.add(move.output)
        if move.axis == CHANNEL:
            return self._take_channels(move)
        step = move.step
        assert step is not None, "partition/legality.py refuses other indices"
        source = self.tensors[move.input]
        if step == 1 and (move.axis == BATCH or (move.axis == ROW and source.shape[0] == 1)):
            rows = source.shape[1] if move.axis == BATCH else 1
            return self._view(move, ir.Part(move.input, row=move.indices[0] * rows))
        assert move.axis != BATCH, "partition/legality.py refuses batches with a step"
        first, last = move.indices[0], move.indices[-1]
        lost = source.shape[move.axis] - 1 - last
        window = (
            ir.Window2d((1, 1), (step, 1), (-first, 0, -lost, 0))
            if move.axis == ROW
            else ir.Window2d((1, 1), (1, step), (0, -first, 0, -lost))
        )
        return [self._copy(move.node, move.input, move.output, window)]

    def _take_channels(self, move: Take) -> list[ir.Op]:
        """A part where channels lie as wanted, a selection from the blocks that hold them else."""
        k, n = self.config.k_lanes, self.config.n_lanes
        source, low = self.tensors[move.input], min(move.indices)
        room = round_up(source.shape[3], n)
        begin = low // k * k
        fits = begin + round_up(len(move.indices), n) <= room
        if move.step == 1 and begin == low and fits:
            return self._view(move, ir.Part(move.input, channel=begin))
        begin = low // n * n
        size, zero_point = max(move.indices) + 1 - begin, self.tensors[move.output].zero_point
        part = ir.Part(move.input, channel=begin)
        held = self._new((*source.shape[:3], size), zero_point, part)
        return [self._select(move.node, held, move.output, [i - begin for i in move.indices])]

    def _view(self, move: Take | Recast, part: ir.Part) -> list[ir.Op]:
        tensor = self.tensors[move.output]
        if move.output in self.outputs:
            held = self._new(tensor.shape, tensor.zero_point, part)
            return [self._copy(move.node, held, move.output, POINT)]
        self.made.discard(move.output)  # nobody writes it
        self.tensors[move.output] = replace(tensor, part=part)
        return []

    def _new(self, shape: ir.Shape, zero_point: int, part: ir.Part | None = None) -> str:
        name = f"part{len(self.tensors)}"
        self.tensors[name] = ir.Tensor(name, shape, zero_point, part=part)
        return name

    def _copy(self, node: str, source: str, output: str, window: ir.Window2d) -> ir.Op:
        kind, origin = ir.PoolKind.MAX, ir.Source(node, 0)
        return ir.Pool(f"copy_{output}", origin, source, output, kind, window, ir.clipping())

    def _select(self, node: str, source: str, output: str, channels: list[int]) -> ir.Op:
        """A convolution that picks channels, exactly: one times the value, times one."""
        count = len(channels)
        weight = np.zeros((count, 1, 1, self.tensors[source].shape[3]), np.int8)
        weight[np.arange(count), 0, 0, channels] = 1
        return ir.Conv(
            f"select_{output}",
            ir.Source(node, 0),
            source,
            output,
            weight,
            POINT,
            1,
            identity(count),
            overhead=True,
        )


def without_gaps(shape: ir.Shape, config: AccelConfig) -> bool:
    """Whether the rows of such a tensor lie end to end."""
    return shape[2] * config.k_lanes % config.bus_bytes == 0
