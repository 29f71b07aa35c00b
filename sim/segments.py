# SPDX-License-Identifier: Apache-2.0
"""One inference on several processes: pieces of a command stream, simulated side by side.

The functional model gives the state of memory and SRAMs between two commands. A piece begins
with loads that bring the SRAMs into that state, so it is an ordinary program on an ordinary device.

    serial    |------ a ------|------ b ------|------ c ------|
    piece 0   |------ a ------|-- tail
    piece 1             lead--|------ b ------|-- tail          starts from the model's state
    piece 2                             lead--|------ c ------|

Pieces overlap. The first cycles after a start differ from the serial run (queues are empty), but
soon every command starts and ends at a constant distance from the same command in the piece before:
there the two are joined. The cycles of the whole are those of the serial run, command by command.
Where timing does not settle within the overlap, longer ones are tried.

At its end each piece must have the model's state: outputs, scratch memory and activation SRAM.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from accel.codec import Instruction, decode, encode
from accel.config import AccelConfig
from accel.device import CommandTrace, Profile
from accel.driver import Counters, Driver, Outcome
from accel.errors import ConfigError, DeviceError
from accel.isa import BY_NAME, QUEUES, ArrayCycle, Sram, Unit
from accel.layout import round_up
from accel.model.device import ModelDevice
from accel.program import Program, Window
from codegen.cost import Bus, estimate
from sim.backends.open_device import open_device
from sim.memory import MemoryModel
from sim.session import memory_bytes

Bytes = npt.NDArray[np.uint8]
Inputs = Sequence[npt.NDArray[np.int8]]
Status = Callable[[str], None]

OVERLAPS = (64, 256, 1024)
"""Commands by which pieces overlap on each side of a cut; the next where timing does not settle."""
SETTLED = 16
"""Timing is settled when so many commands one after the other keep their distance."""
ALIGN = 64
OWN_IDS = 1 << 23
"""Ids from here on are of commands that a piece adds."""


@dataclass(frozen=True, slots=True)
class State:
    """What the past has left behind, between two commands."""

    srams: Mapping[Sram, Bytes]
    outputs: Bytes
    """Memory window OUTPUTS."""
    scratch: Bytes
    """Memory window SCRATCH."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some commands of a program, with the state before them."""

    program: Program
    """The piece as a program of its own."""
    inputs: tuple[npt.NDArray[np.int8], ...]
    before: State
    config: AccelConfig
    memory: MemoryModel


@dataclass(frozen=True, slots=True)
class Part:
    """What a piece gave."""

    outputs: tuple[npt.NDArray[np.int8], ...]
    windows: tuple[Bytes, Bytes]
    """OUTPUTS and SCRATCH at its end."""
    cycles: int
    commands: dict[int, CommandTrace]
    """By id."""
    array_cycles: dict[int, tuple[int, ...]]


def run_in_segments(
    program: Program,
    inputs: Inputs,
    config: AccelConfig,
    memory: MemoryModel,
    jobs: int,
    status: Status,
) -> Outcome:
    """Run a program in up to `jobs` processes; cycles and outputs are those of a serial run.

    Raises:
        ConfigError: the memory stalls at random, so that no two runs have the same timing.
        DeviceError: a piece does not end in the model's state, or timing never settles.
    """
    if memory.stall:
        raise ConfigError(
            "--jobs: behind a memory that stalls at random no two pieces fit together"
        )
    for overlap in OVERLAPS:
        cuts = _cuts(program, config, memory, jobs)
        parts, starts = _run(program, inputs, config, memory, cuts, overlap, status)
        joined = _join(program, parts, starts, config)
        if joined is not None:
            return joined
        status("timing does not settle: longer overlap")
    raise DeviceError(f"{program.name}: the timing of segments does not settle; run without --jobs")


def _cuts(program: Program, config: AccelConfig, memory: MemoryModel, jobs: int) -> list[int]:
    """Commands at which a new layer begins, about equally far apart by the cost model."""
    spans = estimate(program, config, Bus(memory.latency, memory.bytes_per_cycle)).commands
    borders = sorted({program.layer_of.index(layer) for layer in program.layer_of})
    total = spans[-1].end
    cuts = {
        min(borders, key=lambda i: abs(spans[i].end - total * part / jobs))
        for part in range(1, jobs)
    }
    return sorted(cuts - {0, len(program.words) - 1})


def _run(
    program: Program,
    inputs: Inputs,
    config: AccelConfig,
    memory: MemoryModel,
    cuts: Sequence[int],
    overlap: int,
    status: Status,
) -> tuple[list[Part], list[int]]:
    """Run all pieces; returns what they gave, and their first commands."""
    end = len(program.words) - 1  # of END
    clean = _clean(program)
    ranges = [
        (_next(clean, max(0, first - overlap) if first else 0), _next(clean, stop + overlap))
        for first, stop in pairwise([0, *cuts, end])
    ]
    programs_size = memory_bytes([program]) + 2 * _sram_bytes(config)
    open_device("verilator", config, memory_bytes=programs_size, report=status).close()  # build it
    spawn = multiprocessing.get_context("spawn")
    states: dict[int, State] = {}
    futures: list[Future[Part]] = []
    with ProcessPoolExecutor(len(ranges), mp_context=spawn) as pool:
        # A piece starts as soon as the model has come to its first command.
        for place, state in _states(
            program, inputs, config, sorted({i for r in ranges for i in r})
        ):
            states[place] = state
            for first, stop in ranges:
                if first == place:
                    part = _program(program, first, stop, state, config, dumps=stop < end)
                    piece = Piece(part, tuple(inputs), state, config, memory)
                    futures.append(pool.submit(_simulate, piece))
            status(f"functional model at command {place} of {end}")
        parts = []
        for number, (future, (_, stop)) in enumerate(zip(futures, ranges, strict=True)):
            status(f"simulating {len(ranges)} segments, {number} done")
            parts.append(future.result())
            _check(program, parts[-1], states[stop], dumped=stop < end)
    return parts, [first for first, _ in ranges]


def _sram_bytes(config: AccelConfig) -> int:
    return config.act_bytes + config.weight_bytes + config.param_bytes


def _clean(program: Program) -> list[int]:
    """Commands before which no sums wait in the accumulators, which no piece could start with."""
    places, open_sums = [], False
    for index, row in enumerate(program.words):
        if not open_sums:
            places.append(index)
        instruction = decode(row)
        if instruction.name == "CONV":
            open_sums = not instruction.values["last"]
    return places


def _next(places: Sequence[int], index: int) -> int:
    """The first of `places` from `index` on, or the last one."""
    return next((place for place in places if place >= index), places[-1])


def _states(
    program: Program, inputs: Inputs, config: AccelConfig, places: Sequence[int]
) -> Iterator[tuple[int, State]]:
    """The state before each of these commands, by the functional model."""
    srams = {sram: np.zeros(config.sram_bytes(sram), np.uint8) for sram in Sram}
    windows = [np.zeros(size, np.uint8) for size in (program.output_bytes, program.scratch_bytes)]
    here, state = 0, State(srams, *windows)
    for place in places:
        if place > here:
            piece = _program(program, here, place, state, config, dumps=False)
            with ModelDevice(config, memory_bytes([piece])) as model:
                driver = Driver(model, config)
                _write_windows(driver, piece, state)
                driver.run(piece, inputs)
                left = {sram: data.copy() for sram, data in model.machine.state.srams.items()}
                state = State(left, *_windows(driver, piece))
            here = place
        yield place, state


def _program(
    program: Program, first: int, stop: int, before: State, config: AccelConfig, *, dumps: bool
) -> Program:
    """Commands `first` to `stop` - 1 as a program that starts from the state before them."""
    images = {} if first == 0 else {s: data for s, data in before.srams.items() if data.size}
    padding = np.zeros(-program.constants.size % ALIGN, np.uint8)
    constants = [program.constants, padding, *images.values()]
    offset = round_up(program.constants.size, ALIGN)
    commands: list[Instruction] = []
    for sram, image in images.items():
        place = {"window": Window.CONSTANTS, "offset": offset, "sram": sram}
        commands.append(_copy("LOAD", OWN_IDS + len(commands), image.size, **place))
        offset += image.size
    done = dict.fromkeys(QUEUES, 0)
    counts = dict.fromkeys(QUEUES, 0) | {Unit.LOAD: len(images)}
    for index, row in enumerate(program.words[:stop]):
        instruction = decode(row)
        unit = BY_NAME[instruction.name].unit
        if index < first:
            done[unit] += 1
            continue
        waits = {
            u: max(0, instruction.values[_wait(u)] - done[u]) + len(images) * (u is Unit.LOAD)
            for u in QUEUES
        }
        values = {**instruction.values, **{_wait(u): count for u, count in waits.items()}}
        commands.append(Instruction(instruction.name, values))
        counts[unit] += 1
    if dumps:
        place = {"window": Window.SCRATCH, "offset": round_up(program.scratch_bytes, ALIGN)}
        dump = _copy("STORE", OWN_IDS + len(commands), config.act_bytes, **place)
        everything = {_wait(u): counts[u] for u in QUEUES}
        commands.append(Instruction("STORE", {**dump.values, **everything}))
    last = decode(program.words[-1])
    no_waits = {_wait(u): 0 for u in QUEUES}  # END waits for all units in any case
    commands.append(Instruction(last.name, {**last.values, **no_waits}))
    scratch = round_up(program.scratch_bytes, ALIGN) + config.act_bytes
    return replace(
        program,
        words=np.stack([encode(command) for command in commands]),
        layer_of=(-1,) * len(commands),
        constants=np.concatenate(constants),
        scratch_bytes=scratch if dumps else program.scratch_bytes,
    )


def _wait(unit: Unit) -> str:
    return f"wait_{unit.name.lower()}"


def _copy(name: str, number: int, size: int, **values: int) -> Instruction:
    """A transfer of one row."""
    zeros = dict.fromkeys((f.name for f in BY_NAME[name].fields), 0)
    waits = {_wait(u): 0 for u in QUEUES}
    row = {"id": number, "row_bytes": size, "rows": 1, "planes": 1}
    return Instruction(name, zeros | waits | row | values)


def _write_windows(driver: Driver, program: Program, state: State) -> None:
    """Bring OUTPUTS and SCRATCH into `state`."""
    bases, memory = driver.place(program), driver.device.memory
    for window, data in ((Window.OUTPUTS, state.outputs), (Window.SCRATCH, state.scratch)):
        memory[bases[window] : bases[window] + data.size] = data


def _windows(driver: Driver, program: Program) -> tuple[Bytes, Bytes]:
    """Content of OUTPUTS and SCRATCH."""
    bases, memory = driver.place(program), driver.device.memory
    sizes = (Window.OUTPUTS, program.output_bytes), (Window.SCRATCH, program.scratch_bytes)
    outputs, scratch = (memory[bases[w] : bases[w] + size].copy() for w, size in sizes)
    return outputs, scratch


def _simulate(piece: Piece) -> Part:
    """Run a piece on RTL; in a process of its own."""
    config, program = piece.config, piece.program
    size = memory_bytes([program])
    with open_device("verilator", config, memory_model=piece.memory, memory_bytes=size) as device:
        driver = Driver(device, config)
        _write_windows(driver, program, piece.before)
        outcome = driver.run(program, piece.inputs)
        windows = _windows(driver, program)
    assert outcome.profile is not None
    return Part(
        outcome.outputs,
        windows,
        outcome.counters.cycles,
        {trace.id: trace for trace in outcome.profile.commands},
        outcome.profile.array_cycles,
    )


def _check(program: Program, part: Part, expected: State, *, dumped: bool) -> None:
    """Compare memory, and the activation SRAM where it was dumped, with the model's.

    Raises:
        DeviceError: a byte differs.
    """
    outputs, scratch = part.windows
    kept = expected.scratch.size
    compared = {
        "outputs": (outputs, expected.outputs),
        "scratch memory": (scratch[:kept], expected.scratch),
    }
    if dumped:
        act = scratch[round_up(kept, ALIGN) :]
        compared["activation SRAM"] = (act, expected.srams[Sram.ACT])
    for what, (found, right) in compared.items():
        wrong = np.flatnonzero(found != right)
        if wrong.size:
            raise DeviceError(
                f"{program.name}: a segment ends with {wrong.size} wrong bytes in {what}, the "
                f"first at {wrong[0]:#x}; run without --jobs to locate the layer"
            )


def _join(
    program: Program, parts: Sequence[Part], starts: Sequence[int], config: AccelConfig
) -> Outcome | None:
    """Put parts together; None when the timing of two neighbours does not settle."""
    offsets, seams = [0], [0]
    for (left, right), start in zip(pairwise(parts), starts[1:], strict=True):
        found = _settled(left, right, start)
        if found is None:
            return None
        seam, distance = found
        seams.append(seam)
        offsets.append(offsets[-1] + distance)
    commands: list[CommandTrace] = []
    array_cycles: dict[int, tuple[int, ...]] = {}
    for part, offset, (first, stop) in zip(
        parts, offsets, pairwise([*seams, len(program.words)]), strict=True
    ):
        for number in range(first, stop):
            if number in part.commands:
                trace = part.commands[number]
                moved = replace(trace, start=trace.start + offset, end=trace.end + offset)
                commands.append(moved)
            if number in part.array_cycles:
                array_cycles[number] = part.array_cycles[number]
    cycles = offsets[-1] + parts[-1].cycles
    array = {c: sum(spent[c] for spent in array_cycles.values()) for c in ArrayCycle}
    if sum(array.values()) != cycles:
        return None
    beats = _beats(program, config)
    counters = Counters(cycles, array, {}, beats[Unit.LOAD], beats[Unit.STORE])
    return Outcome(parts[-1].outputs, counters, Profile(tuple(commands), array_cycles))


def _settled(left: Part, right: Part, start: int) -> tuple[int, int] | None:
    """The first command from which on both parts keep their distance, and that distance."""
    both = sorted(
        number for number in left.commands if number >= start and number in right.commands
    )
    run = 0
    for before, number in pairwise(both):
        same = _distance(left, right, before) == _distance(left, right, number)
        spent = left.array_cycles.get(number) == right.array_cycles.get(number)
        run = run + 1 if same and spent else 0
        if run == SETTLED:
            return number, _distance(left, right, number)[1]
    return None


def _distance(left: Part, right: Part, number: int) -> tuple[int, int]:
    a, b = left.commands[number], right.commands[number]
    return a.start - b.start, a.end - b.end


def _beats(program: Program, config: AccelConfig) -> dict[Unit, int]:
    """Bus beats by unit."""
    moved = dict.fromkeys(QUEUES, 0)
    for instruction in map(decode, program.words):
        v = instruction.values
        if "row_bytes" in v:
            moved[BY_NAME[instruction.name].unit] += v["row_bytes"] * v["rows"] * v["planes"]
    return {unit: size // config.bus_bytes for unit, size in moved.items()}
