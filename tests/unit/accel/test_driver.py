# SPDX-License-Identifier: Apache-2.0
"""What goes wrong on a device becomes one clear message naming command, op and ONNX node."""

from dataclasses import replace

import numpy as np
import pytest

from accel import csr
from accel.codec import Instruction, encode
from accel.config import AccelConfig
from accel.driver import Driver, describe
from accel.errors import ArtifactError, CommandError, DeviceError, DeviceTimeout
from accel.isa import Cause, Unit, Wait
from tests.unit.accel.fake_device import FakeDevice
from tests.unit.accel.test_program import small_program

CONFIG = AccelConfig()
PROGRAM = replace(small_program(), layer_of=(0,))
INPUT = np.zeros((1, 4, 2, 3), np.int8)


def driver_of(script: dict[int, int], answers: bool = True) -> Driver:
    return Driver(FakeDevice(CONFIG, script, answers), CONFIG, timeout_cycles=123)


@pytest.mark.parametrize(
    ("register", "name"),
    [
        (csr.ID, "ID"),
        (csr.VERSION, "VERSION"),
        (csr.CAPS_ARRAY, "CAPS_ARRAY"),
        (csr.CAPS_SRAM, "CAPS_SRAM"),
        (csr.CAPS_UNITS, "CAPS_UNITS"),
    ],
)
def test_another_device_is_refused_with_both_values(register: int, name: str) -> None:
    with pytest.raises(
        DeviceError, match=f"device's {name} register holds 0x0000abcd, this .* needs"
    ):
        driver_of({register: 0xABCD})


@pytest.mark.parametrize("cause", [c for c in Cause if c is not Cause.NONE])
def test_error_state_names_cause_command_op_and_node(cause: Cause) -> None:
    script = {
        csr.STATUS: csr.STATUS__ERROR,
        csr.ERROR: cause | Unit.CONV << csr.ERROR__UNIT__SHIFT,
        csr.ERROR_ID: 0,
        csr.ERROR_INFO: 0x1234,
    }
    with pytest.raises(CommandError) as caught:
        driver_of(script).run(PROGRAM, [INPUT])
    text = str(caught.value)
    assert f"stopped: {cause.name}" in text
    assert "conv unit at 0x1234, conv conv_0 (ONNX node Conv_1+Relu_2), command #0 END" in text
    assert "Reset the device" in text
    error = caught.value
    assert (error.cause, error.unit, error.command, error.info) == (cause, Unit.CONV, 0, 0x1234)


def test_a_device_that_never_answers_gets_a_diagnosis() -> None:
    state = Wait.DEP_LOAD << csr.UNIT_STATE__STATE__SHIFT
    script = {csr.STATUS: csr.STATUS__BUSY, csr.UNIT_STATE + 4 * Unit.CONV: state}
    waiting = replace(PROGRAM, words=encode(Instruction("END", {"wait_load": 3}))[None])
    with pytest.raises(DeviceTimeout, match="did not finish within 123 cycles") as caught:
        driver_of(script, answers=False).run(waiting, [INPUT])
    expected = (
        "conv     0 completed, waits for 3 completed load commands (0 so far), "
        "at conv conv_0 (ONNX node Conv_1+Relu_2), command #0 END"
    )
    assert expected in str(caught.value)


def test_reset_that_never_ends_is_reported() -> None:
    with pytest.raises(DeviceTimeout, match="memory still owes answers"):
        driver_of({csr.STATUS: csr.STATUS__RESETTING}).reset()


def test_a_program_for_other_hardware_is_refused() -> None:
    other = replace(PROGRAM, config_digest="0" * 12)
    with pytest.raises(ArtifactError, match="compiled for configuration 000000000000"):
        driver_of({}).run(other, [INPUT])


@pytest.mark.parametrize("bad", [[], [INPUT.astype(np.int16)], [INPUT[:, :1]]])
def test_wrong_inputs_are_refused(bad: list[np.ndarray]) -> None:
    with pytest.raises(ArtifactError, match=r"takes int8 \[\(1, 4, 2, 3\)\], not"):
        driver_of({}).run(PROGRAM, bad)


def test_a_program_larger_than_memory_is_refused() -> None:
    large = replace(PROGRAM, scratch_bytes=1 << 20)
    with pytest.raises(DeviceError, match=r"needs \d+ bytes of memory, the device has 65536"):
        driver_of({}).run(large, [INPUT])


def test_windows_are_opened_no_wider_than_the_program_needs() -> None:
    device = FakeDevice(CONFIG, {csr.STATUS: csr.STATUS__DONE})
    Driver(device, CONFIG).run(PROGRAM, [INPUT])
    written = dict(device.written)
    sizes = [written[csr.WINDOW_SIZE + 16 * w] for w in range(4)]
    assert sizes == [64, 256, 512, 1024]
    permissions = [written[csr.WINDOW_PERMISSION + 16 * w] for w in range(4)]
    assert permissions == [1, 1, 3, 3]


def test_commands_outside_the_program_are_still_described() -> None:
    assert describe(PROGRAM, 99) == "command 99"
