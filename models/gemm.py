# SPDX-License-Identifier: Apache-2.0
"""Single matrix products [M, K] x [K, N]: how well the array is used, by shape."""

from __future__ import annotations

from math import prod

from models.network import Network, Progress

CALIBRATION_SAMPLES = 4
SHAPES = (
    # Cubes: how utilization grows with the work.
    (16, 16, 16),
    (32, 32, 32),
    (64, 64, 64),
    (128, 128, 128),
    (256, 256, 256),
    (512, 512, 512),
    # Gemmini's tiled_matmul_ws_perf.c: M, N of 128 and 256.
    (128, 256, 256),
    (128, 512, 256),
    # One long side: pixels, terms, outputs.
    (1024, 64, 64),
    (64, 1024, 64),
    (64, 64, 1024),
    # Nothing fits the lanes.
    (50, 50, 50),
    (100, 100, 100),
    (197, 300, 77),
    # Transformer layers, with few and many tokens.
    (16, 1024, 1024),
    (197, 192, 768),
)
"""M rows, K terms, N outputs."""


def name(shape: tuple[int, int, int]) -> str:
    """Name of the network of `shape`."""
    return "gemm_" + "x".join(map(str, shape))


def build(shape: tuple[int, int, int], progress: Progress) -> Network:
    """One dense layer over M rows."""
    # Here, so that who only wants the shapes need not wait for onnxruntime.
    from models.seeded import INPUT, SeededBuilder, noise, seeded_network

    rows, terms, outputs = shape
    g = SeededBuilder(name(shape), (rows, terms))
    model = g.finish({"output": g.seeded_gemm("gemm", INPUT, terms, outputs)})
    samples = noise((rows, terms))
    return seeded_network(model, prod(shape), samples, CALIBRATION_SAMPLES, progress)
