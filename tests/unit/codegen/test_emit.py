# SPDX-License-Identifier: Apache-2.0
"""The finished program: ids, provenance, work and bindings."""

from __future__ import annotations

import numpy as np

from accel.codec import decode
from accel.program import Layer
from codegen import ir
from codegen.emit import macs
from codegen.pipeline import lower
from tests.unit.codegen.graphs import CRAMPED, DEFAULT, Builder

SAME3 = ir.Window2d((3, 3), padding=(1, 1, 1, 1))


def network() -> Builder:
    builder = Builder()
    x = builder.input((2, 8, 8, 12), -3)
    a = builder.conv(x, 24, SAME3, groups=2, tail=ir.Tail(5))
    b = builder.pool(a, ir.PoolKind.MAX, SAME3)
    c = builder.add(a, b)
    builder.pool(c, ir.PoolKind.MAX, ir.Window2d((8, 8)))
    return builder


def test_ids_count_and_every_command_has_its_layer() -> None:
    program = lower(network().graph(), CRAMPED)
    commands = [decode(words) for words in program.words]
    assert [c.values["id"] for c in commands] == list(range(len(commands)))
    assert [c.name for c in commands].count("END") == 1
    assert (commands[-1].name, program.layer_of[-1]) == ("END", -1)
    kinds = {"CONV": "conv", "POOL": "pool", "ADD": "add"}
    for command, layer in zip(commands[:-1], program.layer_of[:-1], strict=True):
        assert kinds.get(command.name, program.layers[layer].kind) == program.layers[layer].kind
    assert {program.layers[layer].kind for layer in program.layer_of[:-1]} == set(kinds.values())


def test_layers_carry_name_kind_node_and_work() -> None:
    assert lower(network().graph(), DEFAULT).layers == (
        Layer("conv0", "conv", "Node_0", 2 * 8 * 8 * 24 * 9 * 6),
        Layer("max1", "pool", "Node_1", 0),
        Layer("add2", "add", "Node_2", 0),
        Layer("max3", "pool", "Node_3", 0),
    )


def test_dense_counts_as_in_the_literature() -> None:
    builder = Builder()
    builder.conv(builder.input((1, 1, 1, 640)), 128)
    assert macs(builder.ops[0], builder.graph()) == 640 * 128


def test_bindings_keep_shapes_axes_and_zero_points() -> None:
    program = lower(network().graph(("t0", "t3"), ports=True), DEFAULT)
    (source,), (first, second) = program.inputs, program.outputs
    assert (source.name, source.host_shape, source.axes) == ("in0", (2, 12, 8, 8), (0, 2, 3, 1))
    assert (source.zero_point, source.offset) == (-3, 0)
    assert (first.name, first.zero_point, first.layout.blocks) == ("t0", 5, 2)
    assert (second.name, second.host_shape, second.axes) == ("t3", (2, 24), (0, 1))
    assert second.offset >= first.layout.size
    assert program.output_bytes >= second.offset + second.layout.size


def test_constants_hold_all_weights() -> None:
    builder = network()
    program = lower(builder.graph(), DEFAULT)
    (conv,) = (op for op in builder.ops if isinstance(op, ir.Conv))
    nonzero = np.count_nonzero(program.constants)
    assert nonzero >= np.count_nonzero(conv.weight)
    assert program.constants.size % 64 == 0
