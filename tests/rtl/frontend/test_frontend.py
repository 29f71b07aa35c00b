# SPDX-License-Identifier: Apache-2.0
"""tessera_frontend: registers, command port, dispatcher, tokens, errors, soft reset, counters."""

from __future__ import annotations

import random
from collections import Counter

import cocotb
import pytest

from accel import csr
from accel.codec import Instruction
from accel.isa import BY_NAME, COMMAND_WORDS, ISA_VERSION, PUSH_WINDOW, ArrayCycle, Cause, Unit
from tests.rtl.bench import run_cocotb
from tests.rtl.clocked import Dut, split, value
from tests.rtl.frontend.host import QUEUES, Host, command

NAMES = ["LOAD", "STORE", "CONV", "POOL", "ADD", "MUL"]
END_ID = 0xABCDEF


@pytest.mark.parametrize(("depth", "seed"), [(8, 1), (2, 2)])
def test_frontend(depth: int, seed: int) -> None:
    run_cocotb("tessera_frontend", __name__, {"QueueDepth": depth}, seed=seed)


def stream(length: int) -> list[Instruction]:
    """Random commands, each with a random choice of tokens that exist, then END."""
    pushed = Counter[Unit]()
    commands = []
    for number in range(length):
        waits = {
            unit.name.lower(): random.randint(max(0, pushed[unit] - 4), pushed[unit])
            for unit in QUEUES
            if random.random() < 0.5
        }
        name = random.choice(NAMES)
        commands.append(command(name, number, **waits))
        pushed[BY_NAME[name].unit] += 1
    return [*commands, command("END", END_ID)]


def _raw(instruction: Instruction, opcode: int) -> list[tuple[int, int]]:
    """Writes that push the command with another opcode."""
    return [
        (PUSH_WINDOW, instruction.values["id"] << 8 & 0xFFFFFFFF | opcode),
        (PUSH_WINDOW + 4 * (COMMAND_WORDS - 1), 0),
    ]


def _packed(cause: Cause, number: int, info: int) -> int:
    return cause << 56 | number << 32 | info


@cocotb.test()
async def registers(dut: Dut) -> None:
    host = await Host.begin(dut, rest=0.3)
    assert await host.read(csr.ID) == 0x54455353
    assert await host.read(csr.VERSION) == ISA_VERSION
    assert await host.read(csr.CAPS_ARRAY) == 16 | 16 << 8 | 16 << 16 | 8 << 24
    assert await host.read(csr.CAPS_SRAM) == 128 | 64 << 16
    assert await host.read(csr.CAPS_UNITS) == 512 | 8 << 16 | 1 << 24 | 1 << 25 | 4 << 26
    written = {}
    for window in range(4):
        for register in (csr.WINDOW_BASE_LO, csr.WINDOW_BASE_HI, csr.WINDOW_SIZE):
            written[register + 16 * window] = random.getrandbits(32)
        written[csr.WINDOW_PERMISSION + 16 * window] = random.getrandbits(2)
    for address, data in written.items():
        host.post(address, data)
    await host.flush()
    for address, data in written.items():
        assert await host.read(address) == data
    for window, bits in enumerate(split(value(dut.window_o), 98, 4)):
        low, high, size, permission = (
            written[register + 16 * window]
            for register in (csr.WINDOW_BASE_LO, csr.WINDOW_BASE_HI, csr.WINDOW_SIZE,
                             csr.WINDOW_PERMISSION)
        )  # fmt: skip
        assert bits >> 34 == high << 32 | low
        assert bits >> 2 & 0xFFFFFFFF == size
        assert bits & 3 == (permission & 1) << 1 | permission >> 1


@cocotb.test()
async def gaps_answer_zero_and_change_nothing(dut: Dut) -> None:
    host = await Host.begin(dut)
    await host.write(csr.WATCHDOG, 4321)
    for address in (0x200 + csr.WATCHDOG, 0xE00 + csr.WATCHDOG, 0x3FC):
        await host.write(address, 5)
        assert await host.read(address) == 0
    assert await host.read(PUSH_WINDOW) == 0
    assert await host.read(csr.WATCHDOG) == 4321


@cocotb.test()
async def every_command_arrives_once_in_order_and_after_its_tokens(dut: Dut) -> None:
    for rest, slowest in ((0.0, 3), (0.3, 40), (0.0, 200)):
        host = await Host.begin(dut, rest, slowest)
        host.array_cycles = list(ArrayCycle)
        host.beats = 0.3
        await host.write(csr.CTRL, csr.CTRL__IRQ_ENABLE | csr.CTRL__CLEAR_COUNTERS)
        commands = stream(120)
        host.push(*commands)
        await host.until_high(dut.irq_o)
        await host.flush()
        for unit in QUEUES:
            mine = [c for c in commands if BY_NAME[c.name].unit is unit]
            assert host.units[unit].received == mine
        assert await host.read(csr.STATUS) & 0xF == csr.STATUS__DONE
        await _check_counters(host)


async def _check_counters(host: Host) -> None:
    counted = host.counted
    assert counted["cycles"] > 0
    assert await host.read(csr.CYCLES) == counted["cycles"]
    arrays = [await host.read(csr.ARRAY + 4 * kind) for kind in ArrayCycle]
    assert arrays == [counted[f"array{kind.value}"] for kind in ArrayCycle]
    assert sum(arrays) == counted["cycles"]
    assert await host.read(csr.READ_BEATS) == counted["read"]
    assert await host.read(csr.WRITE_BEATS) == counted["write"]
    await host.write(csr.CTRL, csr.CTRL__CLEAR_COUNTERS)
    assert await host.read(csr.CYCLES) == 0


@cocotb.test()
async def one_word_per_cycle(dut: Dut) -> None:
    host = await Host.begin(dut, slowest=2)
    host.push(*(command(random.choice(NAMES), n) for n in range(20)))
    begin = host.cycles
    await host.flush()
    assert host.cycles - begin <= 20 * COMMAND_WORDS + 6


@cocotb.test()
async def full_queues_hold_the_host_and_lose_nothing(dut: Dut) -> None:
    host = await Host.begin(dut)
    depth = value(dut.QueueDepth)
    for unit in QUEUES:
        host.units[unit].blocked = True
    commands = [command("CONV", n) for n in range(3 * depth)]
    host.push(*commands)
    for _ in range(3 * depth * COMMAND_WORDS + 50):
        await host.cycle()
    assert host.data.queue, "back-pressure"
    assert (await host.read(csr.STATUS)) >> csr.STATUS__CREDITS__SHIFT & 0xFF == 0
    assert await host.read(csr.STATUS) & csr.STATUS__BUSY
    host.units[Unit.CONV].blocked = False
    await host.flush()
    await host.until(lambda: len(host.units[Unit.CONV].received) == 3 * depth)
    assert host.units[Unit.CONV].received == commands


@cocotb.test()
async def end_waits_for_all_units_and_restarts_the_tokens(dut: Dut) -> None:
    host = await Host.begin(dut)
    await host.write(csr.CTRL, csr.CTRL__IRQ_ENABLE)
    for _ in range(3):
        host.units[Unit.STORE].blocked = False
        host.push(command("LOAD", 1), command("CONV", 2, load=1), command("END", 3, conv=1))
        host.push(command("STORE", 4, load=0))
        await host.flush()
        await host.until_high(dut.irq_o)
        host.completed.clear()
        for _ in range(40):
            await host.cycle()
        assert value(dut.irq_o), "holds until it is cleared"
        await host.write(csr.CLEAR, csr.CLEAR__DONE)
        await host.cycle()
        assert not value(dut.irq_o)
        host.units[Unit.STORE].blocked = True
        host.push(command("STORE", 5, store=1), command("END", 6))
        for _ in range(200):
            await host.cycle()
        assert not value(dut.irq_o), "a store is not done"
        assert await host.read(csr.UNIT_DONE + 4 * Unit.STORE) == 1
        assert await host.read(csr.UNIT_DONE + 4 * Unit.CONV) == 0
        host.units[Unit.STORE].blocked = False
        await host.until_high(dut.irq_o)
        host.completed.clear()
        await host.write(csr.CLEAR, csr.CLEAR__DONE)


@cocotb.test()
async def tokens_that_never_come_are_refused(dut: Dut) -> None:
    for waits in ({"load": 2}, {"conv": 1}, {"vector": 1, "load": 1}, {"store": 0xFFFFFF}):
        host = await Host.begin(dut)
        host.push(command("LOAD", 11), command("CONV", 12, **waits), command("LOAD", 13))
        await host.until_high(dut.halt_o)
        await host.flush()
        assert await host.error() == (Cause.TOKEN, Unit.DISPATCH, 12, 0)
        assert not host.units[Unit.CONV].received


@cocotb.test()
async def unknown_opcodes_are_refused(dut: Dut) -> None:
    for opcode in (0, 8, 255):
        host = await Host.begin(dut, rest=0.2)
        await host.write(csr.CTRL, csr.CTRL__IRQ_ENABLE)
        for address, word in _raw(command("LOAD", 77), opcode):
            host.post(address, word)
        await host.until_high(dut.irq_o)
        assert await host.error() == (Cause.OPCODE, Unit.DISPATCH, 77, opcode)


@cocotb.test()
async def first_error_stays_and_the_host_never_blocks(dut: Dut) -> None:
    host = await Host.begin(dut)
    await host.write(csr.CTRL, csr.CTRL__IRQ_ENABLE)
    host.units[Unit.VECTOR].blocked = True
    host.push(command("ADD", 1), command("ADD", 2))
    await host.flush()
    # Two units at once: the lower index is kept; a later one changes nothing.
    host.report = {
        Unit.STORE: _packed(Cause.AXI_WRITE, 30, 3),
        Unit.LOAD: _packed(Cause.WINDOW, 10, 0xFEDCBA98),
    }
    await host.cycle()
    await host.cycle()
    assert value(dut.halt_o)
    assert value(dut.irq_o)
    host.report = {Unit.CONV: _packed(Cause.FIELD, 20, 1)}
    host.push(*(command("ADD", n) for n in range(40)), command("END", 9))
    await host.flush()
    assert await host.error() == (Cause.WINDOW, Unit.LOAD, 10, 0xFEDCBA98)
    assert await host.read(csr.STATUS) & 0xF & ~csr.STATUS__BUSY == csr.STATUS__ERROR


@cocotb.test()
async def soft_reset_waits_for_the_bus_and_starts_anew(dut: Dut) -> None:
    for error in (False, True):
        host = await Host.begin(dut)
        await host.write(csr.WATCHDOG, 777)
        host.units[Unit.LOAD].blocked = host.units[Unit.CONV].blocked = True
        host.push(*(command("LOAD", n) for n in range(3)), command("CONV", 8, load=3))
        await host.flush()
        if error:
            host.report = {Unit.CONV: _packed(Cause.FIELD, 8, 1)}
            await host.cycle()
        dut.bus_quiet_i.value = 0
        before = host.resets
        await host.write(csr.CTRL, csr.CTRL__SOFT_RESET)
        for _ in range(30):
            await host.cycle()
        assert host.resets == before, "the bus is not quiet"
        assert value(dut.halt_o)
        assert await host.read(csr.STATUS) & csr.STATUS__RESETTING
        dut.bus_quiet_i.value = 1
        for _ in range(6):
            await host.cycle()
        assert host.resets == before + 1
        assert await host.read(csr.STATUS) & 0xF == 0
        assert await host.read(csr.ERROR) == 0
        assert await host.read(csr.WATCHDOG) == 777, "registers stay"
        assert not value(dut.halt_o)
        for unit in host.units.values():
            unit.blocked = False
            unit.received.clear()
        host.completed.clear()
        await host.write(csr.CTRL, csr.CTRL__IRQ_ENABLE)
        commands = stream(20)
        host.push(*commands)
        await host.until_high(dut.irq_o)
        assert sum(len(unit.received) for unit in host.units.values()) == 20


@cocotb.test()
async def watchdog_names_the_blocked_command(dut: Dut) -> None:
    """Also when the host is stuck in the middle of a push."""
    for pushed in (1, 4 * value(dut.QueueDepth)):
        host = await Host.begin(dut)
        await host.write(csr.WATCHDOG, 60)
        host.units[Unit.CONV].blocked = True
        host.push(*(command("CONV", n) for n in range(pushed)))
        await host.until_high(dut.halt_o, 4000)
        cause, unit, number, info = await host.error()
        assert (cause, unit, info) == (Cause.WATCHDOG, Unit.CONV, 60)
        assert number == 100 + Unit.CONV, "the id that the unit shows"
        await host.flush()


@cocotb.test()
async def watchdog_is_quiet_with_progress_or_when_off(dut: Dut) -> None:
    for limit, kind in ((60, ArrayCycle.BUSY), (0, ArrayCycle.ACTIVATION)):
        host = await Host.begin(dut)
        await host.write(csr.WATCHDOG, limit)
        host.array_cycles = [kind]
        host.units[Unit.CONV].blocked = True
        host.push(command("CONV", 1))
        for _ in range(300):
            await host.cycle()
        assert not value(dut.halt_o)
