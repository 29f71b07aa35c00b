# SPDX-License-Identifier: Apache-2.0
"""The runtime: places a program's data in memory, sends its commands, reads the results back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accel import csr
from accel.codec import decode, disassemble, mmio_block
from accel.config import AccelConfig
from accel.device import Device, Profile
from accel.errors import ArtifactError, CommandError, DeviceError, DeviceTimeout, EncodeError
from accel.identity import identity
from accel.isa import CAUSE_DOC, QUEUES, ArrayCycle, Cause, Unit, Wait
from accel.layout import Int8Array, pack, round_up, unpack
from accel.program import Binding, Program, Window

PAGE = 4096
"""Windows start on pages."""
RESET_POLLS = 10_000
TIMEOUT_CYCLES = 1_000_000_000

TOKEN_WAITS = {
    Wait.DEP_LOAD: Unit.LOAD,
    Wait.DEP_CONV: Unit.CONV,
    Wait.DEP_VECTOR: Unit.VECTOR,
    Wait.DEP_STORE: Unit.STORE,
}
"""States in which a unit waits for another one."""


@dataclass(frozen=True, slots=True)
class Counters:
    """The performance counters after one program; all 0 on devices without cycles."""

    cycles: int
    array: dict[ArrayCycle, int]
    """Cycles by what the array did; they sum to `cycles`."""
    unit_busy: dict[Unit, int]
    read_beats: int
    write_beats: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run of a program gave."""

    outputs: tuple[Int8Array, ...]
    counters: Counters
    profile: Profile | None


class Driver:
    """Runs programs on a device.

    Args:
        device: model, simulator or hardware.
        config: the hardware it should be.
        timeout_cycles: a program that takes longer is given up.

    Raises:
        DeviceError: the device is something else than `config` says.
    """

    def __init__(
        self, device: Device, config: AccelConfig, timeout_cycles: int = TIMEOUT_CYCLES
    ) -> None:
        self.device = device
        self.config = config
        self.timeout_cycles = timeout_cycles
        self._check_identity()

    def _check_identity(self) -> None:
        for name, (address, value) in identity(self.config).items():
            found = self.device.read32(address)
            if found != value:
                raise DeviceError(
                    f"the device's {name} register holds {found:#010x}, this configuration needs "
                    f"{value:#010x}: open a device of the same configuration"
                )

    def run(self, program: Program, inputs: Sequence[npt.NDArray[np.int8]]) -> Outcome:
        """Run a program once.

        Args:
            program: compiled for this configuration.
            inputs: int8 arrays of the shapes that its input bindings name.

        Raises:
            ArtifactError: the program is for another configuration, or inputs do not match it.
            CommandError: the accelerator stopped; names command, op and ONNX node.
            DeviceTimeout: no answer in time; says what every unit waits for.
        """
        self._check_program(program, inputs)
        bases = self.place(program)
        memory = self.device.memory
        for binding, array in zip(program.inputs, inputs, strict=True):
            start = bases[Window.INPUTS] + binding.offset
            memory[start : start + binding.layout.size] = pack(
                to_nhwc(array, binding), binding.layout, binding.zero_point
            )
        self._open_windows(program, bases)
        self.device.write32(csr.CLEAR, csr.CLEAR__DONE)
        self.device.write32(csr.CTRL, csr.CTRL__IRQ_ENABLE | csr.CTRL__CLEAR_COUNTERS)
        self.device.write_block(mmio_block(program.words))
        answered = self.device.wait_irq(self.timeout_cycles)
        self._check_status(program, answered)
        outputs = tuple(
            from_nhwc(unpack(self._output(bases, binding), binding.layout), binding)
            for binding in program.outputs
        )
        counters, profile = self.counters(), self.device.profile()
        self.device.write32(csr.CLEAR, csr.CLEAR__DONE)
        return Outcome(outputs, counters, profile)

    def _check_program(self, program: Program, inputs: Sequence[npt.NDArray[np.int8]]) -> None:
        if program.config_digest != self.config.digest():
            raise ArtifactError(
                f"program {program.name} was compiled for configuration {program.config_digest}, "
                f"the device is {self.config.digest()}: compile it again with this configuration"
            )
        shapes = [binding.host_shape for binding in program.inputs]
        given = [array.shape for array in inputs]
        if given != shapes or any(array.dtype != np.int8 for array in inputs):
            raise ArtifactError(f"program {program.name} takes int8 {shapes}, not {given}")

    def place(self, program: Program) -> dict[Window, int]:
        """Choose bases for the windows and write the constants."""
        bases, top = {}, 0
        for window, size in _sizes(program).items():
            bases[window] = top
            top = round_up(top + size, PAGE)
        memory = self.device.memory
        if top > memory.size:
            raise DeviceError(
                f"program {program.name} needs {top} bytes of memory, the device has {memory.size}"
            )
        start = bases[Window.CONSTANTS]
        memory[start : start + program.constants.size] = program.constants
        return bases

    def _open_windows(self, program: Program, bases: dict[Window, int]) -> None:
        read, write = csr.WINDOW_PERMISSION__READ, csr.WINDOW_PERMISSION__WRITE
        permissions = {
            Window.CONSTANTS: read,
            Window.INPUTS: read,
            Window.OUTPUTS: read | write,
            Window.SCRATCH: read | write,
        }
        for window, size in _sizes(program).items():
            step = window * csr.WINDOW_BASE_LO_STEP
            self.device.write32(csr.WINDOW_BASE_LO + step, bases[window] & 0xFFFFFFFF)
            self.device.write32(csr.WINDOW_BASE_HI + step, bases[window] >> 32)
            self.device.write32(csr.WINDOW_SIZE + step, size)
            self.device.write32(csr.WINDOW_PERMISSION + step, permissions[window])

    def _output(self, bases: dict[Window, int], binding: Binding) -> npt.NDArray[np.uint8]:
        start = bases[Window.OUTPUTS] + binding.offset
        return self.device.memory[start : start + binding.layout.size]

    def _check_status(self, program: Program, answered: bool) -> None:
        status = self.device.read32(csr.STATUS)
        if status & csr.STATUS__ERROR:
            raise self._command_error(program)
        if not answered or not status & csr.STATUS__DONE:
            raise DeviceTimeout(
                f"program {program.name} did not finish within {self.timeout_cycles} cycles.\n"
                f"{self.wait_picture(program)}\n"
                "Reset the device (Driver.reset) before the next run."
            )

    def _command_error(self, program: Program) -> CommandError:
        error = self.device.read32(csr.ERROR)
        cause, unit = (
            Cause(error & csr.ERROR__CAUSE),
            Unit(error >> csr.ERROR__UNIT__SHIFT),
        )
        command = self.device.read32(csr.ERROR_ID)
        info = self.device.read32(csr.ERROR_INFO)
        text = (
            f"the accelerator stopped: {cause.name} ({CAUSE_DOC[cause]}), found by the "
            f"{unit.name.lower()} unit at {info:#x}, {describe(program, command)}"
        )
        if cause is Cause.WATCHDOG:
            text += f"\n{self.wait_picture(program)}"
        text += "\nReset the device (Driver.reset) before the next run."
        return CommandError(text, cause=cause, unit=unit, command=command, info=info)

    def wait_picture(self, program: Program) -> str:
        """The hang doctor: what every unit does, and whom it waits for."""
        lines = []
        for unit in Unit:
            value = self.device.read32(csr.UNIT_STATE + unit * csr.UNIT_STATE_STEP)
            state = Wait(value >> csr.UNIT_STATE__STATE__SHIFT)
            command = value & csr.UNIT_STATE__ID
            line = f"  {unit.name.lower():8} "
            if unit in QUEUES:
                line += f"{self._completed(unit)} completed, "
            if state in TOKEN_WAITS:
                line += self._missing_token(program, command, TOKEN_WAITS[state])
            else:
                line += state.name.lower()
            if state is not Wait.IDLE:
                line += f", at {describe(program, command)}"
            lines.append(line)
        return "\n".join(lines)

    def _completed(self, unit: Unit) -> int:
        return self.device.read32(csr.UNIT_DONE + unit * csr.UNIT_DONE_STEP)

    def _missing_token(self, program: Program, command: int, unit: Unit) -> str:
        name = unit.name.lower()
        if command >= len(program.words):
            return f"waits for {name}"
        needed = decode(program.words[command]).values[f"wait_{name}"]
        return f"waits for {needed} completed {name} commands ({self._completed(unit)} so far)"

    def counters(self) -> Counters:
        """Read the performance counters."""
        read = self.device.read32
        return Counters(
            cycles=read(csr.CYCLES),
            array={c: read(csr.ARRAY + c * csr.ARRAY_STEP) for c in ArrayCycle},
            unit_busy={u: read(csr.UNIT_BUSY + u * csr.UNIT_BUSY_STEP) for u in QUEUES},
            read_beats=read(csr.READ_BEATS),
            write_beats=read(csr.WRITE_BEATS),
        )

    def reset(self) -> None:
        """Bring the accelerator back from an error or a hang.

        Raises:
            DeviceTimeout: the bus never becomes quiet (the memory owes answers).
        """
        self.device.write32(csr.CTRL, csr.CTRL__SOFT_RESET)
        for _ in range(RESET_POLLS):
            if not self.device.read32(csr.STATUS) & csr.STATUS__RESETTING:
                return
        raise DeviceTimeout(
            "soft reset does not end: the memory still owes answers to the accelerator's bus "
            "requests; close the device and open it again"
        )


def describe(program: Program, command: int) -> str:
    """Name a command with its op and ONNX node."""
    if command >= len(program.layer_of):
        return f"command {command}"
    try:
        text = disassemble(decode(program.words[command]))
    except EncodeError as error:
        text = f"#{command} ({error})"
    layer = program.layer_of[command]
    if layer < 0:
        return f"command {text}"
    op = program.layers[layer]
    return f"{op.kind} {op.name} (ONNX node {op.node}), command {text}"


def to_nhwc(array: npt.NDArray[np.int8], binding: Binding) -> Int8Array:
    """Bring a host array to [N, H, W, C]."""
    at = binding.layout
    return np.ascontiguousarray(array.transpose(binding.axes)).reshape(at.n, at.h, at.w, at.c)


def from_nhwc(tensor: Int8Array, binding: Binding) -> Int8Array:
    """Bring an [N, H, W, C] tensor to the host's shape; the inverse of `to_nhwc`."""
    shape = [binding.host_shape[axis] for axis in binding.axes]
    back = np.argsort(binding.axes)
    return np.ascontiguousarray(tensor.reshape(shape).transpose(back))


def _sizes(program: Program) -> dict[Window, int]:
    return {
        Window.CONSTANTS: program.constants.size,
        Window.INPUTS: program.input_bytes,
        Window.OUTPUTS: program.output_bytes,
        Window.SCRATCH: program.scratch_bytes,
    }
