# SPDX-License-Identifier: Apache-2.0
"""Compiled graphs against plain NumPy, on the functional model, in and out of program order."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accel.codec import Instruction, decode, encode
from accel.config import AccelConfig
from accel.errors import CommandError, PlanError
from accel.program import Program
from codegen import ir
from codegen.fits import reason
from codegen.pipeline import lower
from tests.unit.codegen.graphs import (
    CONFIG_NAMES,
    CONFIGS,
    CRAMPED,
    DEFAULT,
    NARROW_BUS,
    SEEDS,
    Builder,
    builders,
)
from tests.unit.codegen.running import differing, expected, run

SAME3 = ir.Window2d((3, 3), padding=(1, 1, 1, 1))
HALF3 = ir.Window2d((3, 3), (2, 2), padding=(0, 0, 1, 1))


@settings(deadline=None, max_examples=80)
@given(builders(), CONFIG_NAMES, st.lists(SEEDS, min_size=2, max_size=2), st.booleans())
def test_random_graphs_match_numpy_in_every_allowed_order(
    builder: Builder, name: str, seeds: list[int], ports: bool
) -> None:
    config, graph, data = CONFIGS[name], builder.graph(ports=ports), builder.data()
    problems = [reason(op, graph.tensors, config) for op in graph.ops]
    if any(problems):
        with pytest.raises(PlanError) as caught:
            lower(graph, config)
        assert str(caught.value).endswith(next(filter(None, problems)))
        return
    program, want = lower(graph, config), expected(graph, data)
    for seed in (None, *seeds):
        assert differing(run(program, graph, data, config, seed), want) == []


def residual_block(seed: int = 0, batch: int = 1, side: int = 16) -> Builder:
    """conv, conv, conv + residual, average pool, dense: the shape of a small ResNet."""
    builder = Builder(seed)
    x = builder.input((batch, side, side, 20), 3)
    a = builder.conv(x, 24, SAME3, tail=ir.Tail(-128))
    b = builder.conv(a, 24, SAME3, tail=ir.Tail(-5))
    c = builder.conv(b, 24, SAME3, residual=a, tail=ir.Tail(7, lo=7))
    d = builder.conv(c, 40, HALF3, tail=ir.Tail(1))
    half = side // 2
    e = builder.pool(d, ir.PoolKind.AVERAGE, ir.Window2d((half, half)), ir.Tail(-20))
    builder.conv(e, 10)
    return builder


@pytest.mark.parametrize("name", sorted(CONFIGS))
@pytest.mark.parametrize(("batch", "side"), [(1, 16), (3, 8)])
def test_residual_network_matches_numpy(name: str, batch: int, side: int) -> None:
    builder = residual_block(batch=batch, side=side)
    config, graph, data = CONFIGS[name], builder.graph(ports=True), builder.data()
    program, want = lower(graph, config), expected(graph, data)
    for seed in (None, 1, 2, 3):
        assert differing(run(program, graph, data, config, seed), want) == []


def test_parts_are_whole_output_vectors() -> None:
    """33 channels are three vectors of 16; parts of a vector and a half would tear one."""
    builder = Builder()
    x = builder.input((2, 5, 14, 3), 0)
    builder.conv(x, 33, ir.Window2d((1, 1), (2, 2)))
    graph, data = builder.graph(), builder.data()
    got = run(lower(graph, NARROW_BUS), graph, data, NARROW_BUS)
    assert differing(got, expected(graph, data)) == []


def test_an_output_that_later_ops_read_is_also_returned() -> None:
    builder = Builder()
    x = builder.input((1, 9, 9, 16), 1)
    a = builder.conv(x, 16, SAME3, tail=ir.Tail(2))
    b = builder.add(a, x, ir.Tail(3))
    graph, data = builder.graph((a, b)), builder.data()
    for config in (DEFAULT, CRAMPED):
        got = run(lower(graph, config), graph, data, config, shuffle_seed=5)
        assert differing(got, expected(graph, data)) == []


def test_one_tensor_may_be_both_operands() -> None:
    builder = Builder()
    x = builder.input((2, 5, 7, 20), -9)
    y = builder.conv(x, 20, residual=x, tail=ir.Tail(4))
    builder.add(y, y, ir.Tail(1))
    graph, data = builder.graph(), builder.data()
    for config in (DEFAULT, CRAMPED):
        got = run(lower(graph, config), graph, data, config, shuffle_seed=8)
        assert differing(got, expected(graph, data)) == []


def test_dense_behind_flatten_is_a_full_size_kernel() -> None:
    builder = Builder()
    x = builder.input((3, 4, 5, 18), 11)
    builder.conv(x, 33, ir.Window2d((4, 5)))
    graph, data = builder.graph(), builder.data()
    for config in CONFIGS.values():
        got = run(lower(graph, config), graph, data, config, shuffle_seed=1)
        assert differing(got, expected(graph, data)) == []


@pytest.mark.parametrize("kind", ["add", "conv", "pool", "long pool"])
def test_tensors_with_more_rows_than_a_command_can_count(kind: str) -> None:
    config = replace(DEFAULT, act_kib=2048, acc_entries=8192)
    builder = Builder()
    x = builder.input((1, 6000 if kind == "long pool" else 18000, 1, 4))
    match kind:
        case "add":
            builder.add(x, x)
        case "conv":
            builder.conv(x, 4, ir.Window2d((3, 1), (2, 1)))
        case "pool":
            builder.pool(x, ir.PoolKind.MAX, ir.Window2d((3, 1), (2, 1)))
        case _:
            builder.pool(x, ir.PoolKind.AVERAGE, ir.Window2d((4000, 1), (200, 1)))
    graph, data = builder.graph(), builder.data()
    got = run(lower(graph, config), graph, data, config, shuffle_seed=2)
    assert differing(got, expected(graph, data)) == []


def test_saturation_and_extreme_multipliers() -> None:
    builder = Builder()
    builder.conv(builder.input((1, 6, 6, 16), -128), 16, SAME3, tail=ir.Tail(127))
    conv = builder.ops[0]
    assert isinstance(conv, ir.Conv)
    top = (1 << 31) - 1
    requant = replace(
        conv.requant,
        multiplier=np.array([0, 1, top, top] * 4, np.int32),
        shift=np.array([1, 1, 1, 62, 31, 40, 45, 50] * 2, np.uint8),
    )
    builder.ops[0] = replace(conv, requant=requant)
    graph, data = builder.graph(), builder.data()
    got = run(lower(graph, DEFAULT), graph, data, DEFAULT)
    assert differing(got, expected(graph, data)) == []


def instructions(program: Program) -> list[Instruction]:
    return [decode(words) for words in program.words]


def count(program: Program, name: str, **values: int) -> int:
    """Commands of one name whose fields have these values."""
    return sum(
        i.name == name and all(i.values[key] == value for key, value in values.items())
        for i in instructions(program)
    )


def test_small_memories_force_bands_chunks_and_partial_sums() -> None:
    graph = residual_block().graph()
    roomy, cramped = lower(graph, DEFAULT), lower(graph, CRAMPED)
    assert roomy.scratch_bytes == 0  # every intermediate tensor stays on chip
    assert cramped.scratch_bytes > 0
    assert count(roomy, "CONV", last=0) == 0
    assert count(cramped, "CONV", last=0) > 0
    assert count(cramped, "STORE") > count(roomy, "STORE") > 0


def test_without_tokens_a_shuffled_run_goes_wrong() -> None:
    """The shuffled runs of this file can fail: a compiler without tokens would give this."""
    builder = residual_block()
    graph, data = builder.graph(), builder.data()
    program = lower(graph, CRAMPED)
    bare = [
        Instruction(i.name, {k: 0 if k.startswith("wait_") else v for k, v in i.values.items()})
        if i.name != "END"
        else i
        for i in instructions(program)
    ]
    careless = replace(program, words=np.stack([encode(i) for i in bare]))
    want = expected(graph, data)
    assert differing(run(careless, graph, data, CRAMPED), want) == []
    assert differing(run(careless, graph, data, CRAMPED, shuffle_seed=0), want) == ["t5"]


def test_lowering_twice_gives_the_same_program() -> None:
    first, second = (lower(residual_block().graph(), CRAMPED) for _ in range(2))
    assert np.array_equal(first.words, second.words)
    assert np.array_equal(first.constants, second.constants)
    assert first.inputs == second.inputs
    assert first.outputs == second.outputs


def test_op_that_does_not_fit_is_named_with_its_node_and_remedy() -> None:
    builder = Builder()
    builder.conv(builder.input((1, 1, 600, 16)), 16)
    with pytest.raises(PlanError) as caught:
        lower(builder.graph(), CRAMPED)
    assert str(caught.value) == (
        "conv0 (ONNX node Node_0): one output row needs 19200 bytes of activation SRAM, "
        "there are 8192; set act_kib >= 32"
    )


def test_vector_ops_need_the_vector_unit() -> None:
    config = replace(DEFAULT, vector=False)
    builder = Builder()
    x = builder.input((1, 4, 4, 16))
    builder.add(x, x)
    with pytest.raises(PlanError, match="vector unit is not built"):
        lower(builder.graph(), config)


@pytest.mark.parametrize("config", [DEFAULT, NARROW_BUS], ids=["default", "narrow_bus"])
def test_program_runs_only_on_its_configuration(config: AccelConfig) -> None:
    program = lower(residual_block().graph(), config)
    assert program.config_digest == config.digest()


def test_program_stays_inside_its_windows() -> None:
    """The windows are as large as the program says: one byte less, and the hardware stops it."""
    builder = Builder()
    builder.conv(builder.input((1, 4, 4, 16)), 16)
    graph, data = builder.graph(), builder.data()
    program = lower(graph, DEFAULT)
    for change in (
        replace(program, input_bytes=program.inputs[0].layout.size - 16),
        replace(program, output_bytes=program.outputs[0].layout.size - 16),
    ):
        with pytest.raises(CommandError, match="WINDOW"):
            run(change, graph, data, DEFAULT)


def test_back_end_works_without_tvm() -> None:
    code = "import sys, codegen.pipeline; sys.exit('tvm' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
