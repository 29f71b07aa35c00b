# SPDX-License-Identifier: Apache-2.0
"""What goes wrong in memory, accelerator or simulator: one clear error, and a way back."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from accel import csr
from accel.driver import Driver
from accel.errors import BuildError, CommandError, DeviceError, DeviceTimeout
from accel.isa import Cause, Unit
from sim.backends.cocotb_device import CocotbDevice
from sim.backends.open_device import open_device
from sim.backends.rtl_device import RtlDevice
from sim.backends.verilator_device import VerilatorDevice
from sim.build import RTL, Kind, Variant, build
from sim.memory import Fault, MemoryModel, Response
from tests.rtl.sim.programs import INPUTS_BASE, OUTPUTS_BASE, TINY, Case, copy_case

PAGE = 4096
RTL_BACKENDS = ("verilator", "cocotb")
NO_WATCHDOG = 0


@contextmanager
def opened(backend: str, case: Case, *faults: Fault) -> Iterator[RtlDevice]:
    model = MemoryModel(faults=faults)
    with open_device(backend, TINY, memory_model=model, memory_bytes=case.memory_bytes) as device:
        assert isinstance(device, RtlDevice)
        yield device


def assert_works(driver: Driver, case: Case) -> None:
    (output,) = driver.run(case.program, case.inputs).outputs
    assert np.array_equal(output, case.outputs[0])


@pytest.mark.parametrize("backend", RTL_BACKENDS)
@pytest.mark.parametrize("response", [Response.SLVERR, Response.DECERR])
@pytest.mark.parametrize(
    ("base", "cause", "unit", "command"),
    [
        (INPUTS_BASE, Cause.AXI_READ, Unit.LOAD, 0),
        (OUTPUTS_BASE, Cause.AXI_WRITE, Unit.STORE, 1),
    ],
)
def test_bus_errors_name_the_command_and_a_reset_recovers(
    backend: str, response: Response, base: int, cause: Cause, unit: Unit, command: int
) -> None:
    case = copy_case()
    with opened(backend, case, Fault(base + 64, 8, response)) as device:
        driver = Driver(device, TINY)
        with pytest.raises(CommandError) as caught:
            driver.run(case.program, case.inputs)
        assert (caught.value.cause, caught.value.unit) == (cause, unit)
        assert caught.value.command == command
        assert "copy copy_0 (ONNX node Copy)" in str(caught.value)
        driver.reset()
        assert device.read32(csr.STATUS) & csr.STATUS__ERROR == 0
        # The memory is still broken there, so the same program fails in the same way again.
        with pytest.raises(CommandError):
            driver.run(case.program, case.inputs)


def test_the_device_works_again_after_the_memory_is_mended() -> None:
    case = copy_case()
    with opened("verilator", case, Fault(INPUTS_BASE, 8, Response.SLVERR)) as device:
        assert isinstance(device, VerilatorDevice)
        driver = Driver(device, TINY)
        with pytest.raises(CommandError):
            driver.run(case.program, case.inputs)
        device.set_memory_model(MemoryModel())
        driver.reset()
        assert_works(driver, case)


@pytest.mark.parametrize("backend", RTL_BACKENDS)
@pytest.mark.parametrize("base", [INPUTS_BASE, OUTPUTS_BASE])
def test_memory_that_never_answers_trips_the_watchdog(backend: str, base: int) -> None:
    case = copy_case()
    with opened(backend, case, Fault(base, PAGE, Response.NEVER)) as device:
        driver = Driver(device, TINY)
        device.write32(csr.WATCHDOG, 2000)
        with pytest.raises(CommandError) as caught:
            driver.run(case.program, case.inputs)
        assert caught.value.cause == Cause.WATCHDOG
        assert "load" in str(caught.value)
        with pytest.raises(DeviceTimeout, match="still owes answers"):
            driver.reset()
        device.reset_hard()
        assert device.read32(csr.ERROR) == 0
        assert device.read32(csr.ID) == 0x54455353


def test_without_a_watchdog_the_host_gives_up_and_sees_who_waits() -> None:
    case = copy_case()
    with opened("verilator", case, Fault(INPUTS_BASE, PAGE, Response.NEVER)) as device:
        driver = Driver(device, TINY, timeout_cycles=5000)
        device.write32(csr.WATCHDOG, NO_WATCHDOG)
        with pytest.raises(DeviceTimeout) as caught:
            driver.run(case.program, case.inputs)
        assert "did not finish within 5000 cycles" in str(caught.value)
        assert "load     0 completed, bus, at copy copy_0" in str(caught.value)


def test_a_hang_behind_full_queues_can_still_be_looked_at() -> None:
    """Command words that the device cannot take are overtaken by reads, not by register writes."""
    case = copy_case()
    load = case.program.words[:1]
    many = replace(
        case.program,
        words=np.concatenate([np.repeat(load, 40, axis=0), case.program.words[1:]]),
        layer_of=(0,) * 41 + (-1,),
    )
    with opened("verilator", case, Fault(INPUTS_BASE, PAGE, Response.NEVER)) as device:
        driver = Driver(device, TINY, timeout_cycles=5000)
        device.write32(csr.WATCHDOG, NO_WATCHDOG)
        with pytest.raises(DeviceTimeout, match="did not finish within 5000 cycles"):
            driver.run(many, case.inputs)
        with pytest.raises(DeviceTimeout) as caught:
            driver.reset()
        assert "its AXI4-Lite port is blocked" in str(caught.value)
        device.reset_hard()
        assert device.read32(csr.STATUS) & csr.STATUS__BUSY == 0


def test_a_program_that_reads_beyond_the_memory_gets_an_error() -> None:
    case = copy_case()
    with opened("verilator", case) as device:
        driver = Driver(device, TINY)
        size = csr.WINDOW_SIZE + csr.WINDOW_BASE_LO_STEP
        narrow = replace(case.program, input_bytes=case.program.input_bytes - 8)
        with pytest.raises(CommandError) as caught:
            driver.run(narrow, case.inputs)
        assert caught.value.cause == Cause.WINDOW
        assert device.read32(size) == narrow.input_bytes
        driver.reset()
        assert_works(driver, case)


def test_a_dead_simulation_is_named_with_its_log() -> None:
    case = copy_case()
    with opened("cocotb", case) as device:
        assert isinstance(device, CocotbDevice)
        device.process.kill()
        with pytest.raises(DeviceTimeout) as caught:
            device.read32(csr.ID)
        assert f"(process {device.process.pid}) died; exit status -9" in str(caught.value)
        assert f"Last lines of {device.log}" in str(caught.value)
        assert device.log.is_file()
    shutil.rmtree(device.log.parent)


def test_a_simulation_that_stops_answering_is_ended() -> None:
    executable = build(TINY, Variant(Kind.COCOTB))
    with CocotbDevice(executable, MemoryModel(), PAGE, answer_seconds=3.0) as device:
        assert device.read32(csr.ID) == 0x54455353
        device.process.send_signal(signal.SIGSTOP)
        with pytest.raises(DeviceTimeout, match="did not answer within 3 s"):
            device.read32(csr.ID)
        assert device.process.poll() is not None
    shutil.rmtree(device.log.parent)


def broken_rtl(folder: Path, file: str, old: str, new: str) -> Path:
    rtl = folder / "rtl"
    shutil.copytree(RTL, rtl)
    path = rtl / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return rtl


def test_rtl_that_does_not_compile_is_a_build_error(tmp_path: Path) -> None:
    rtl = broken_rtl(tmp_path, "common/tessera_fifo.sv", "endmodule", "endmodul")
    with pytest.raises(BuildError) as caught:
        build(TINY, Variant(Kind.LIBRARY), rtl=rtl, cache=tmp_path)
    text = str(caught.value)
    assert "Verilator refuses the RTL" in text
    assert "tessera_fifo.sv" in text
    log = Path(text.rsplit("Full log: ", maxsplit=1)[-1])
    assert "syntax error" in log.read_text()
    assert not [path for path in tmp_path.iterdir() if path.is_dir() and path != rtl]


def test_a_file_list_that_names_no_file_is_a_build_error(tmp_path: Path) -> None:
    rtl = broken_rtl(tmp_path, "tessera.f", "common/tessera_fifo.sv", "common/tessera_fifi.sv")
    with pytest.raises(BuildError, match="tessera_fifi"):
        build(TINY, Variant(Kind.LIBRARY), rtl=rtl, cache=tmp_path)


@pytest.mark.parametrize("backend", RTL_BACKENDS)
def test_waves_need_a_simulator_that_writes_them(backend: str, tmp_path: Path) -> None:
    from sim.waves import WaveRequest

    kind = Kind.LIBRARY if backend == "verilator" else Kind.COCOTB
    simulator = build(TINY, Variant(kind))
    device = VerilatorDevice if backend == "verilator" else CocotbDevice
    with pytest.raises(DeviceError, match="cannot write waves"):
        device(simulator, MemoryModel(), PAGE, WaveRequest(tmp_path / "a.fst"))
