# SPDX-License-Identifier: Apache-2.0
"""Published figures of other systems, each with its source; batch 1, int8.

None of them is ours, and none from memory: where a source gives a rate, `source` says how it became
cycles. What a figure covers differs (hosts, caches, memories), so each says what it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """How a figure came about."""

    RTL = "RTL simulation"
    SILICON = "silicon"
    FPGA = "FPGA"
    ESTIMATE = "vendor estimate"


@dataclass(frozen=True, slots=True)
class Anchor:
    """Cycles of one network on another system."""

    network: str
    system: str
    kind: Kind
    cycles: int
    source: str
    macs_per_cycle: int | None = 256
    """int8 multipliers; None where not stated, or where the source counts MACs otherwise."""
    memory: str = "default"
    """Our memory model that is nearest to the system's."""


_VELA = "Vela 5.2.0 on the reference model, all in SRAM"
_GAP9 = "MLPerf Tiny v1.0 closed: 370 MHz / {} per s"

ANCHORS = (
    Anchor("resnet8", "Ethos-U55-256", Kind.ESTIMATE, 107_151, _VELA),
    Anchor("resnet8", "GAP9 NE16, 9 cores", Kind.SILICON, 228_001, _GAP9.format(1622.799), None),
    Anchor("ds_cnn", "Ethos-U55-256", Kind.ESTIMATE, 56_222, _VELA),
    Anchor("ds_cnn", "GAP9 NE16, 9 cores", Kind.SILICON, 175_922, _GAP9.format(2103.206), None),
    Anchor("mobilenet_v1_025_96", "Ethos-U55-256", Kind.ESTIMATE, 146_940, _VELA),
    Anchor(
        "mobilenet_v1_025_96",
        "GAP9 NE16, 9 cores",
        Kind.SILICON,
        416_176,
        _GAP9.format(889.048),
        None,
    ),
    Anchor(
        "mobilenet_v1_025_96",
        "ANPU on VCU128",
        Kind.FPGA,
        69_191,
        "MLPerf Tiny v1.3: 320 MHz / 4624.902 per s",
        None,
    ),
    Anchor("autoencoder", "Ethos-U55-256", Kind.ESTIMATE, 40_929, _VELA),
    Anchor("autoencoder", "GAP9 NE16, 9 cores", Kind.SILICON, 65_008, _GAP9.format(5691.597), None),
    Anchor(
        "resnet18_convs",
        "VTA 1x16x16",
        Kind.RTL,
        7_729_601,
        "apache/tvm-vta PR 30, tsim: 8 B/cycle without latency",
        memory="ideal8",
    ),
    Anchor(
        "resnet50",
        "Gemmini 16x16",
        Kind.RTL,
        30_100_000,
        "ucb-bar/gemmini PR 90: from its 51 % of 3.93 GMAC; with core, TLB, L2",
        None,
    ),
    Anchor(
        "resnet50",
        "NVDLA 256 MAC",
        Kind.ESTIMATE,
        21_740_000,
        "nvdla/doc primer: 1 GHz / 46 frames/s, 5 GB/s; without software overhead",
        None,
    ),
)

GEMM_ANCHOR = "OpenGeMM: 81.89 % to 99.34 % on GEMMs of CNNs and transformers (arXiv 2411.09543)"
"""Published utilization of a GEMM accelerator of like size."""

SIMULATOR_ANCHORS = (
    ("VTA tsim", 136_000, "31 M cycles (tvm PR 4694) in 227.73 s (tvm PR 4986): ResNet-18, 2020"),
    ("Gemmini SoC in Verilator", 120_000, "NVlabs/GEM issue 11: 8 threads, with core and caches"),
)
"""System, simulated cycles per second, source."""


def anchors_of(network: str) -> tuple[Anchor, ...]:
    """The figures for a network, as they are listed."""
    return tuple(anchor for anchor in ANCHORS if anchor.network == network)
