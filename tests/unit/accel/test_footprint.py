# SPDX-License-Identifier: Apache-2.0
"""Footprints never miss a byte: the compiler derives all tokens from them."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from accel.codec import Instruction, encode
from accel.config import load_config
from accel.footprint import footprint
from accel.isa import Sram
from accel.model.machine import Machine
from tests.unit.accel.test_machine import ADD, CONV, MUL, POOL

CONFIG = load_config("small")
K = CONFIG.k_lanes


@st.composite
def commands(draw: st.DrawFn) -> Instruction:
    name = draw(st.sampled_from(["CONV", "POOL", "ADD", "MUL"]))
    values = dict({"CONV": CONV, "POOL": POOL, "ADD": ADD, "MUL": MUL}[name])
    size = st.integers(1, 4)
    for field in ("in_h", "in_w", "out_h", "out_w", "kernel_h", "kernel_w", "n_blocks", "blocks"):
        if field in values:
            values[field] = draw(size)
    for field in ("stride_y", "stride_x", "dilation_y", "dilation_x", "cin_blocks"):
        if field in values:
            values[field] = draw(st.integers(1, 2))
    for field in ("pad_top", "pad_left"):
        if field in values:
            values[field] = draw(st.integers(0, 2))
    for field in ("in_pitch", "a_pitch", "b_pitch", "out_pitch", "res_pitch"):
        if field in values:
            values[field] = K * draw(st.integers(4, 6))
    for field in ("in_plane", "a_plane", "b_plane", "out_plane", "res_plane", "in_group"):
        if field in values:
            values[field] = K * draw(st.integers(0, 40))
    values |= {"out_addr": 16384, "out_step": K * draw(st.integers(1, 2))}
    values["use_table"] = draw(st.integers(0, CONFIG.tables))
    if "b_repeat" in values:
        values["b_repeat"] = draw(st.integers(0, 1))
    if name == "CONV":
        values |= {"residual": draw(st.integers(0, 1)), "res_addr": 8192}
    return Instruction(name, values)


def run(instruction: Instruction, memories: dict[Sram, np.ndarray]) -> np.ndarray:
    """ACT memory after the command, everything else before it being `memories`."""
    machine = Machine(CONFIG, np.zeros(64, np.uint8))
    for sram, data in memories.items():
        machine.state.srams[sram][:] = data
    machine.push(encode(instruction))
    assert machine.fault is None
    return machine.state.srams[Sram.ACT].copy()


@settings(max_examples=60)
@given(commands(), st.integers(0, 2**32 - 1))
def test_no_byte_is_missed(instruction: Instruction, seed: int) -> None:
    """Bytes outside of the footprint neither matter nor change."""
    rng = np.random.default_rng(seed)
    sizes = {sram: CONFIG.sram_bytes(sram) for sram in Sram}
    first = {sram: rng.integers(0, 60, size).astype(np.uint8) + 1 for sram, size in sizes.items()}
    mark = footprint(instruction, CONFIG)
    second = {}
    for sram, data in first.items():
        other = rng.integers(0, 60, data.size).astype(np.uint8) + 1
        for span in mark.reads:
            if span.space is sram:
                other[span.start : span.stop] = data[span.start : span.stop]
        second[sram] = other
    written = np.zeros(CONFIG.act_bytes, bool)
    for span in mark.writes:
        written[span.start : span.stop] = True
    before, after = first[Sram.ACT], run(instruction, first)
    assert (after[~written] == before[~written]).all()
    changed = after != before
    assert (run(instruction, second)[changed] == after[changed]).all()
