# SPDX-License-Identifier: Apache-2.0
"""MobileNetV2 1.0 for 224 × 224 images, with seeded weights, padded as in torchvision."""

from __future__ import annotations

import onnx

from models.network import Network, Progress, silent
from models.seeded import INPUT, SeededBuilder, half_pads, images, seeded_network

CALIBRATION_SAMPLES = 4
MACS = 300_774_272
"""Sandler et al., 2018, table 4: 300 M."""
BOTTLENECKS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Expansion, output channels, repetitions and stride of the first (there, table 2)."""


def build(progress: Progress = silent) -> Network:
    """Inverted residuals between linear bottlenecks, ReLU6 inside."""
    samples = images((3, 224, 224))
    return seeded_network(mobilenet_v2(), MACS, samples, CALIBRATION_SAMPLES, progress)


def mobilenet_v2() -> onnx.ModelProto:
    """The float model."""
    g = SeededBuilder("mobilenet_v2", (1, 3, 224, 224))
    x = g.relu6(g.seeded_conv("conv1", INPUT, (3, 32), stride=2, pads=half_pads(3)))
    inputs = 32
    for stage, (expansion, outputs, repetitions, stride) in enumerate(BOTTLENECKS, start=1):
        for number in range(repetitions):
            name = f"stage{stage}.block{number + 1}"
            widths = inputs, expansion * inputs, outputs
            x = _block(g, name, x, widths, 1 if number else stride)
            inputs = outputs
    x = g.relu6(g.seeded_conv("conv2", x, (inputs, 1280), kernel=(1, 1), pads=half_pads(1)))
    x = g.flatten(g.global_average_pool("mean", x))
    return g.finish({"logits": g.seeded_gemm("dense", x, 1280, 1000)})


def _block(g: SeededBuilder, name: str, x: str, widths: tuple[int, int, int], stride: int) -> str:
    """Widen, convolve each channel, project; added to the input where the shapes agree."""
    inputs, wide, outputs = widths
    y = x
    if wide != inputs:
        y = g.seeded_conv(f"{name}.expand", y, (inputs, wide), kernel=(1, 1), pads=half_pads(1))
        y = g.relu6(y)
    y = g.seeded_conv(
        f"{name}.depthwise", y, (wide, wide), stride=stride, pads=half_pads(3), groups=wide
    )
    y = g.seeded_conv(
        f"{name}.project", g.relu6(y), (wide, outputs), kernel=(1, 1), pads=half_pads(1)
    )
    return g.add(f"{name}.add", y, x) if stride == 1 and inputs == outputs else y
