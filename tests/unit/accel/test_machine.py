# SPDX-License-Identifier: Apache-2.0
"""The functional model stops on exactly what the command set forbids, and tokens bind its order."""

import numpy as np
import pytest

from accel import csr
from accel.codec import Instruction, encode
from accel.config import AccelConfig
from accel.isa import COMMAND_WORDS, PUSH_WINDOW, Cause, Sram, Unit
from accel.model.device import ModelDevice
from accel.model.machine import Machine
from accel.model.state import OpenWindow

CONFIG = AccelConfig()
TRANSFER = {
    "window": 0,
    "offset": 0,
    "sram_addr": 0,
    "row_bytes": 64,
    "rows": 1,
    "row_stride": 0,
    "sram_row_stride": 0,
    "planes": 1,
    "plane_stride": 0,
    "sram_plane_stride": 0,
}
LOAD = {"sram": Sram.ACT, **TRANSFER}
CONV = {
    "in_addr": 0,
    "in_plane": 1024,
    "in_pitch": 128,
    "in_h": 4,
    "in_w": 4,
    "pad_top": 0,
    "pad_left": 0,
    "in_group": 0,
    "kernel_h": 1,
    "kernel_w": 1,
    "stride_y": 1,
    "stride_x": 1,
    "dilation_y": 1,
    "dilation_x": 1,
    "cin_blocks": 1,
    "n_blocks": 1,
    "weight_addr": 0,
    "param_addr": 0,
    "out_addr": 4096,
    "out_plane": 1024,
    "out_pitch": 64,
    "out_step": 16,
    "out_h": 4,
    "out_w": 4,
    "mode": 0,
    "passes": 0,
    "pass_rows": 0,
    "fold_bytes": 0,
    "channels": 0,
    "rounding": 0,
    "first": 1,
    "last": 1,
    "residual": 0,
    "in_zp": 0,
    "centered": 0,
    "weight_zp": 0,
    "transposed": 0,
    "use_table": 0,
    "out_zp": 0,
    "clip_lo": -128,
    "clip_hi": 127,
    "res_addr": 0,
    "res_plane": 0,
    "res_pitch": 0,
    "res_zp": 0,
    "add_self_mult": 0,
    "add_res_mult": 0,
    "add_shift": 1,
    "add_zp": 0,
    "add_lo": 0,
    "add_hi": 0,
}
POOL = {
    "in_addr": 0,
    "in_plane": 1024,
    "in_pitch": 128,
    "in_h": 4,
    "in_w": 4,
    "pad_top": 0,
    "pad_left": 0,
    "kernel_h": 2,
    "kernel_w": 2,
    "stride_y": 2,
    "stride_x": 2,
    "blocks": 1,
    "out_addr": 4096,
    "out_plane": 1024,
    "out_pitch": 64,
    "out_step": 16,
    "out_h": 2,
    "out_w": 2,
    "use_table": 0,
    "kind": 1,
    "rounding": 0,
    "bias": 0,
    "multiplier": 1 << 30,
    "shift": 32,
    "out_zp": 0,
    "clip_lo": -128,
    "clip_hi": 127,
}
ADD = {
    "a_addr": 0,
    "a_plane": 0,
    "a_pitch": 64,
    "b_addr": 0,
    "b_plane": 0,
    "b_pitch": 64,
    "blocks": 1,
    "out_addr": 4096,
    "out_plane": 0,
    "out_pitch": 64,
    "out_step": 16,
    "out_h": 2,
    "out_w": 2,
    "use_table": 0,
    "b_repeat": 0,
    "a_zp": 0,
    "b_zp": 0,
    "a_mult": 1,
    "b_mult": 1,
    "rounding": 0,
    "a_shift": 0,
    "b_shift": 0,
    "sum_mult": 0,
    "shift": 1,
    "out_zp": 0,
    "clip_lo": -128,
    "clip_hi": 127,
}
ADD_ONLY = ("a_mult", "b_mult", "a_shift", "b_shift", "sum_mult")
MUL = {key: value for key, value in ADD.items() if key not in ADD_ONLY}
MUL |= {"multiplier": 1}
VALID = {"LOAD": LOAD, "STORE": TRANSFER, "CONV": CONV, "POOL": POOL, "ADD": ADD, "MUL": MUL}


def machine(**options: int) -> Machine:
    made = Machine(CONFIG, np.arange(4096, dtype=np.uint16).astype(np.uint8), **options)
    made.state.windows[0] = OpenWindow(0, 4096, read=True, write=True)
    return made


def push(target: Machine, name: str, **values: int) -> None:
    target.push(encode(Instruction(name, {"id": 5, **VALID.get(name, {}), **values})))


@pytest.mark.parametrize("name", VALID)
def test_the_valid_command_runs(name: str) -> None:
    target = machine()
    push(target, name)
    assert target.fault is None


@pytest.mark.parametrize(
    ("name", "values", "cause"),
    [
        ("LOAD", {"rows": 0}, Cause.FIELD),
        ("LOAD", {"row_bytes": 8}, Cause.FIELD),
        ("LOAD", {"offset": 4}, Cause.FIELD),
        ("LOAD", {"sram": 4}, Cause.FIELD),
        ("LOAD", {"sram": Sram.TABLE, "sram_addr": CONFIG.table_bytes}, Cause.SRAM_RANGE),
        ("LOAD", {"window": 4}, Cause.FIELD),
        ("LOAD", {"window": 1}, Cause.WINDOW),
        ("LOAD", {"offset": 4096}, Cause.WINDOW),
        ("LOAD", {"sram_addr": CONFIG.act_bytes}, Cause.SRAM_RANGE),
        ("STORE", {"sram_addr": CONFIG.act_bytes}, Cause.SRAM_RANGE),
        ("CONV", {"kernel_h": 0}, Cause.FIELD),
        ("CONV", {"in_addr": 8}, Cause.FIELD),
        ("CONV", {"out_h": 4095}, Cause.FIELD),
        ("CONV", {"mode": 3}, Cause.FIELD),
        ("CONV", {"out_step": 0}, Cause.FIELD),
        ("CONV", {"out_step": 8}, Cause.FIELD),
        ("CONV", {"use_table": CONFIG.tables + 1}, Cause.FIELD),
        ("POOL", {"use_table": CONFIG.tables + 1}, Cause.FIELD),
        ("MUL", {"use_table": CONFIG.tables + 1}, Cause.FIELD),
        ("MUL", {"shift": 0}, Cause.FIELD),
        ("CONV", {"n_blocks": 2, "last": 0}, Cause.FIELD),
        ("CONV", {"residual": 1, "add_shift": 0}, Cause.FIELD),
        ("CONV", {"residual": 1, "add_shift": 63}, Cause.FIELD),
        ("CONV", {"weight_addr": CONFIG.weight_bytes}, Cause.SRAM_RANGE),
        ("CONV", {"param_addr": CONFIG.param_bytes}, Cause.SRAM_RANGE),
        ("CONV", {"in_addr": CONFIG.act_bytes}, Cause.SRAM_RANGE),
        ("CONV", {"out_addr": CONFIG.act_bytes - 16}, Cause.SRAM_RANGE),
        ("POOL", {"shift": 0}, Cause.FIELD),
        ("POOL", {"multiplier": 1 << 31}, Cause.FIELD),
        ("POOL", {"kind": 2}, Cause.FIELD),
        ("ADD", {"shift": 63}, Cause.FIELD),
        ("ADD", {"b_addr": 1}, Cause.FIELD),
        ("ADD", {"rounding": 1, "sum_mult": 1 << 31}, Cause.FIELD),
        ("ADD", {"rounding": 1, "b_mult": -(1 << 31)}, Cause.FIELD),
        ("MUL", {"rounding": 1, "multiplier": -1}, Cause.FIELD),
        ("CONV", {"wait_load": 1}, Cause.TOKEN),
        ("CONV", {"wait_conv": 1}, Cause.TOKEN),
    ],
)
def test_errors(name: str, values: dict[str, int], cause: Cause) -> None:
    target = machine()
    push(target, name, **values)
    assert target.fault is not None
    assert (target.fault.cause, target.fault.id) == (cause, 5)


def test_unknown_opcode_keeps_the_command_id() -> None:
    target = machine()
    words = encode(Instruction("LOAD", {"id": 9, **LOAD}))
    words[0] = words[0] & ~np.uint32(0xFF) | 200
    target.push(words)
    assert target.fault is not None
    assert (target.fault.cause, target.fault.id, target.fault.unit) == (
        Cause.OPCODE,
        9,
        Unit.DISPATCH,
    )


def test_bus_error_where_there_is_no_memory() -> None:
    target = machine()
    target.state.windows[0] = OpenWindow(1 << 20, 4096, read=True, write=True)
    push(target, "LOAD")
    assert target.fault is not None
    assert target.fault.cause is Cause.AXI_READ


def test_after_an_error_nothing_runs_until_reset() -> None:
    target = machine()
    push(target, "LOAD", rows=0)
    push(target, "LOAD")
    assert target.completed[Unit.LOAD] == 0
    target.reset()
    push(target, "LOAD")
    push(target, "END", wait_load=1)
    assert target.fault is None
    assert target.done


def test_tokens_bind_a_shuffled_execution() -> None:
    """The store waits for both loads of its bytes, so every order gives the same memory."""
    results = set()
    for seed in range(20):
        target = machine(shuffle_seed=seed)
        push(target, "LOAD", offset=0)
        push(target, "LOAD", offset=256)
        push(target, "STORE", offset=1024, wait_load=2)
        push(target, "END", wait_load=2, wait_store=1)
        results.add(target.state.memory[1024:1088].tobytes())
    assert results == {bytes(range(64))}


def test_without_a_token_shuffling_finds_the_race() -> None:
    results = set()
    for seed in range(20):
        target = machine(shuffle_seed=seed)
        push(target, "LOAD", offset=64)
        push(target, "STORE", offset=1024)
        push(target, "END", wait_load=1, wait_store=1)
        results.add(target.state.memory[1024:1088].tobytes())
    assert len(results) == 2


def test_words_beyond_a_command_do_nothing() -> None:
    device = ModelDevice(CONFIG, 64)
    device.write32(PUSH_WINDOW + 4 * COMMAND_WORDS, 1)
    assert device.read32(csr.STATUS) & (csr.STATUS__DONE | csr.STATUS__ERROR) == 0
