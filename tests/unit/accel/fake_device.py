# SPDX-License-Identifier: Apache-2.0
"""A scripted device: registers hold what a test puts there, nothing runs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from accel.config import AccelConfig
from accel.device import Profile
from accel.model.device import ModelDevice


class FakeDevice(ModelDevice):
    """Answers like the model, but for the registers of a script."""

    def __init__(self, config: AccelConfig, script: dict[int, int], answers: bool = True) -> None:
        super().__init__(config, 1 << 16)
        self.script = script
        self.answers = answers
        self.written: list[tuple[int, int]] = []

    @property
    def memory(self) -> npt.NDArray[np.uint8]:
        return super().memory

    def write32(self, address: int, value: int) -> None:
        self.written.append((address, value))

    def read32(self, address: int) -> int:
        return self.script[address] if address in self.script else super().read32(address)

    def wait_irq(self, max_cycles: int) -> bool:
        return self.answers

    def profile(self) -> Profile | None:
        return None
