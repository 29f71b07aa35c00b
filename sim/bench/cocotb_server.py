# SPDX-License-Identifier: Apache-2.0
"""Runs inside the cocotb simulation: does what `sim.backends.cocotb_device` asks over a pipe.

Simulated time passes only while a coroutine here awaits. Registers, memory and interrupt are
handled by the testbench's C++ side, so Python does nothing per clock cycle: it awaits `wake_o`.

    request                  answer
    post, writes (bytes)     none
    read, address            status, value
    wait, max_cycles         status
    reset                    True
    observations             two int64 arrays
    cycles, pending, error   the value
    close                    True, then the simulation ends
"""

from __future__ import annotations

import ctypes
import os
from array import array
from multiprocessing.connection import Connection
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, ValueChange

from sim.backends.bench_abi import BenchAbi, Status
from sim.backends.cocotb_protocol import PIPE_VARIABLE, Setup

RESET_CYCLES = 4


async def _finish(bench: BenchAbi, dut: Any) -> Status:  # noqa: ANN401  # cocotb handles are dynamic
    """Let time pass until the goal under way ends."""
    if bench.status() is Status.RUNNING:
        await ValueChange(dut.wake_o)
    return bench.status()


async def _reset(bench: BenchAbi, dut: Any) -> bool:  # noqa: ANN401
    bench.reset()
    dut.rst_ni.value = 0
    await ClockCycles(dut.clk_i, RESET_CYCLES)
    dut.rst_ni.value = 1
    return True


async def _answer(bench: BenchAbi, dut: Any, request: str, argument: Any) -> Any:  # noqa: ANN401
    match request:
        case "read":
            bench.start_read(argument)
            return await _finish(bench, dut), bench.value()
        case "wait":
            bench.start_wait(argument)
            return await _finish(bench, dut)
        case "reset":
            return await _reset(bench, dut)
        case "observations" | "cycles" | "pending" | "error":
            return getattr(bench, request)()
    raise ValueError(f"unknown request {request}")


@cocotb.test()
async def serve(dut: Any) -> None:  # noqa: ANN401
    """Answer requests until `close`."""
    pipe = Connection(int(os.environ[PIPE_VARIABLE]))
    setup: Setup = pipe.recv()
    memory = np.memmap(setup.memory_path, np.uint8, mode="r+")
    library = ctypes.CDLL(None)
    library.tessera_bench_current.restype = ctypes.c_void_p
    bench = BenchAbi(library, library.tessera_bench_current())
    bench.configure(memory, setup.memory_model)
    pipe.send(setup.waves is None or bench.open_waves(setup.waves))
    Clock(dut.clk_i, 2, unit="step", impl="gpi").start()
    while True:
        request, argument = pipe.recv()
        if request == "close":
            break
        if request == "post":
            bench.post(array("I", argument))
            continue
        pipe.send(await _answer(bench, dut, request, argument))
    bench.close_waves()
    pipe.send(True)
