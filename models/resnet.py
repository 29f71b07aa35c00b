# SPDX-License-Identifier: Apache-2.0
"""ResNets for 224 × 224 images (ImageNet), with seeded weights, padded as in torchvision."""

from __future__ import annotations

import onnx

from models.network import Network, Progress, silent
from models.seeded import INPUT, SeededBuilder, half_pads, images, seeded_network

CALIBRATION_SAMPLES = 4
RESNET50_BLOCKS = (3, 4, 6, 3)
"""Bottlenecks in each stage."""
RESNET50_MACS = 4_089_184_256
RESNET18_CONVS_MACS = 1_695_547_392
"""Of the layers C2 to C11 in VTA's benchmark (tvm/vta, test_benchmark_topi_conv2d.py)."""


def build_resnet50(progress: Progress = silent) -> Network:
    """ResNet-50 v1.5: the 3 × 3 convolutions have the strides."""
    samples = images((3, 224, 224))
    return seeded_network(resnet50(), RESNET50_MACS, samples, CALIBRATION_SAMPLES, progress)


def build_resnet18_convs(progress: Progress = silent) -> Network:
    """ResNet-18 between its first max pool and its mean.

    That is VTA's layers C2 to C11, each as often as in the network and with the shortcuts' sums
    between them: the part that VTA runs, so one run's cycles compare with its figure for it.
    """
    samples = images((64, 56, 56))
    convs = resnet18_convs()
    return seeded_network(convs, RESNET18_CONVS_MACS, samples, CALIBRATION_SAMPLES, progress)


def resnet50() -> onnx.ModelProto:
    """The float model."""
    g = SeededBuilder("resnet50", (1, 3, 224, 224))
    x = g.seeded_conv("conv1", INPUT, (3, 64), kernel=(7, 7), stride=2, pads=half_pads(7))
    x = g.max_pool("pool1", g.relu(x), 3, stride=2, pads=half_pads(3))
    inputs = 64
    for stage, blocks in enumerate(RESNET50_BLOCKS):
        width = 64 << stage
        for block in range(blocks):
            name = f"stage{stage + 1}.block{block + 1}"
            stride = 2 if stage and not block else 1
            x = _bottleneck(g, name, x, (inputs, width), stride)
            inputs = 4 * width
    x = g.flatten(g.global_average_pool("mean", x))
    return g.finish({"logits": g.seeded_gemm("dense", x, inputs, 1000)})


def resnet18_convs() -> onnx.ModelProto:
    """The float model: four stages of two residual blocks."""
    g = SeededBuilder("resnet18_convs", (1, 64, 56, 56))
    x = INPUT
    inputs = 64
    for stage in range(4):
        width = 64 << stage
        for block in range(2):
            name = f"stage{stage + 1}.block{block + 1}"
            stride = 2 if stage and not block else 1
            x = _basic_block(g, name, x, (inputs, width), stride)
            inputs = width
    return g.finish({"features": x})


def _bottleneck(g: SeededBuilder, name: str, x: str, channels: tuple[int, int], stride: int) -> str:
    """1 × 1 to the width, 3 × 3, 1 × 1 to four times the width, and the shortcut."""
    inputs, width = channels
    body = g.relu(_conv(g, f"{name}.conv1", x, (inputs, width), kernel=1))
    body = g.relu(_conv(g, f"{name}.conv2", body, (width, width), stride=stride))
    body = _conv(g, f"{name}.conv3", body, (width, 4 * width), kernel=1)
    return _join(g, name, body, x, (inputs, 4 * width), stride)


def _basic_block(
    g: SeededBuilder, name: str, x: str, channels: tuple[int, int], stride: int
) -> str:
    """Two 3 × 3, and the shortcut."""
    _, width = channels
    body = g.relu(_conv(g, f"{name}.conv1", x, channels, stride=stride))
    body = _conv(g, f"{name}.conv2", body, (width, width))
    return _join(g, name, body, x, channels, stride)


def _join(
    g: SeededBuilder, name: str, body: str, x: str, channels: tuple[int, int], stride: int
) -> str:
    """The sum of body and shortcut, which is a 1 × 1 convolution where the shapes differ."""
    inputs, outputs = channels
    if stride != 1 or inputs != outputs:
        x = _conv(g, f"{name}.shortcut", x, channels, kernel=1, stride=stride)
    return g.relu(g.add(f"{name}.add", body, x))


def _conv(
    g: SeededBuilder,
    name: str,
    x: str,
    channels: tuple[int, int],
    *,
    kernel: int = 3,
    stride: int = 1,
) -> str:
    pads = half_pads(kernel)
    return g.seeded_conv(name, x, channels, kernel=(kernel, kernel), stride=stride, pads=pads)
