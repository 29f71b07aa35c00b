# SPDX-License-Identifier: Apache-2.0
"""What the read-only identification registers of a configuration hold."""

from __future__ import annotations

from accel import csr
from accel.config import AccelConfig
from accel.isa import ISA_VERSION

TESS = int.from_bytes(b"TESS", "big")
"""Value of the ID register."""


def identity(config: AccelConfig) -> dict[str, tuple[int, int]]:
    """Register name -> (offset, value) for hardware of `config`."""
    c = config
    array = c.k_lanes | c.n_lanes << 8 | c.bus_bytes << 16 | c.act_banks << 24
    units = c.acc_entries | c.param_kib << 16 | c.vector << 24 | c.depthwise << 25
    units |= c.tables << 26
    return {
        "ID": (csr.ID, TESS),
        "VERSION": (csr.VERSION, ISA_VERSION),
        "CAPS_ARRAY": (csr.CAPS_ARRAY, array),
        "CAPS_SRAM": (csr.CAPS_SRAM, c.act_kib | c.weight_kib << 16),
        "CAPS_UNITS": (csr.CAPS_UNITS, units),
    }
