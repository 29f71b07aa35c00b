# SPDX-License-Identifier: Apache-2.0
"""Open a device by name."""

from __future__ import annotations

from accel.config import AccelConfig
from accel.device import Device
from accel.errors import ConfigError
from accel.model.device import ModelDevice
from sim.build import Kind, Report, Variant, build, silent
from sim.memory import MODELS, MemoryModel
from sim.waves import WaveRequest

BACKENDS = ("model", "verilator", "cocotb")


def open_device(
    name: str,
    config: AccelConfig,
    *,
    memory_model: MemoryModel = MODELS["default"],
    memory_bytes: int = 1 << 24,
    waves: WaveRequest | None = None,
    checks: bool = False,
    report: Report = silent,
) -> Device:
    """Open a device, building its simulator when there is none.

    Args:
        name: one of `BACKENDS`.
        config: hardware size.
        memory_model: timing of the memory (RTL backends).
        memory_bytes: size of the memory.
        waves: what to write as waves (RTL backends).
        checks: with the RTL's assertions (RTL backends).
        report: told about a build.

    Raises:
        ConfigError: no such backend, or it cannot write waves.
        BuildError: the simulator cannot be built.
    """
    if name not in BACKENDS:
        raise ConfigError(f"no backend {name}; there are {', '.join(BACKENDS)}")
    if name == "model":
        if waves is not None:
            raise ConfigError("the model backend has no signals: use --backend verilator for waves")
        return ModelDevice(config, memory_bytes)
    kind = Kind.LIBRARY if name == "verilator" else Kind.COCOTB
    simulator = build(config, Variant(kind, waves is not None, checks), report=report)
    if kind is Kind.LIBRARY:
        from sim.backends.verilator_device import VerilatorDevice

        return VerilatorDevice(simulator, memory_model, memory_bytes, waves)
    from sim.backends.cocotb_device import CocotbDevice

    return CocotbDevice(simulator, memory_model, memory_bytes, waves)
