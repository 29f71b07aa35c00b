# SPDX-License-Identifier: Apache-2.0
"""tessera_line_sram against a byte array: beats in, words out, one of each per cycle."""

from __future__ import annotations

import random

import cocotb
import pytest
from cocotb.triggers import FallingEdge, RisingEdge

from tests.rtl.bench import run_cocotb
from tests.rtl.clocked import Dut, start, value

BYTES = 1024
CYCLES = 2000


@pytest.mark.parametrize(
    ("bus_bytes", "word_bytes", "seed"), [(16, 16, 1), (8, 4, 2), (16, 4, 3), (8, 32, 4)]
)
def test_line_sram(bus_bytes: int, word_bytes: int, seed: int) -> None:
    sizes = {"BusBytes": bus_bytes, "WordBytes": word_bytes, "Bytes": BYTES}
    run_cocotb("tessera_line_sram", __name__, sizes, seed=seed)


@cocotb.test()
async def random_traffic(dut: Dut) -> None:
    bus, word = value(dut.BusBytes), value(dut.WordBytes)
    memory: dict[int, int] = {}  # byte address -> byte; only what was written
    expected: list[int | None] = []
    checked = 0
    await start(dut)
    for cycle in range(CYCLES):
        write, read = random.random() < 0.7, random.random() < 0.8
        to = random.randrange(BYTES // bus) * bus
        source = random.randrange(BYTES // word) * word
        data = random.randbytes(bus)
        dut.wr_req_i.value, dut.rd_req_i.value = int(write), int(read)
        dut.wr_addr_i.value, dut.rd_addr_i.value = to, source
        dut.wr_data_i.value = int.from_bytes(data, "little")
        await RisingEdge(dut.clk_i)
        if read:  # sees what was there before this cycle's write
            expected = [memory.get(source + index) for index in range(word)]
        if write:
            memory |= {to + index: byte for index, byte in enumerate(data)}
        await FallingEdge(dut.clk_i)
        if cycle > 1 and expected and None not in expected:  # holds until the next read
            got = value(dut.rd_data_o).to_bytes(word, "little")
            assert list(got) == expected
            checked += 1
    assert checked > CYCLES // 2
