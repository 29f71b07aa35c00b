# SPDX-License-Identifier: Apache-2.0
"""The four networks of MLPerf Tiny, with seeded weights.

Source: MLCommons, tiny/benchmark/training (image_classification, keyword_spotting,
visual_wake_words, anomaly_detection).
"""

from __future__ import annotations

from itertools import pairwise

import onnx

from models.network import Network, Progress, silent
from models.seeded import INPUT, SeededBuilder, half_pads, images, same_pads, seeded_network

CALIBRATION_SAMPLES = 32
RESNET8_MACS = 12_501_632
DS_CNN_MACS = 2_656_768
MOBILENET_MACS = 7_489_664
MOBILENET_BLOCKS = (
    *((1, 16), (2, 32), (1, 32), (2, 64), (1, 64), (2, 128)),
    *((1, 128),) * 5,
    *((2, 256), (1, 256)),
)
"""Stride and output channels of each depthwise-separable block at a width of 0.25."""
AUTOENCODER_WIDTHS = (640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640)
AUTOENCODER_MACS = 264_192


def build_resnet8(progress: Progress = silent) -> Network:
    """ResNet-8 for 32 × 32 images (CIFAR-10)."""
    samples = images((3, 32, 32))
    return seeded_network(resnet8(), RESNET8_MACS, samples, CALIBRATION_SAMPLES, progress)


def build_ds_cnn(progress: Progress = silent) -> Network:
    """DS-CNN over 49 frames of 10 mel-frequency coefficients (Speech Commands)."""
    samples = images((1, 49, 10))
    return seeded_network(ds_cnn(), DS_CNN_MACS, samples, CALIBRATION_SAMPLES, progress)


def build_mobilenet(progress: Progress = silent) -> Network:
    """MobileNetV1, a quarter of its width, for 96 × 96 images (Visual Wake Words)."""
    samples = images((3, 96, 96))
    return seeded_network(mobilenet(), MOBILENET_MACS, samples, CALIBRATION_SAMPLES, progress)


def build_autoencoder(progress: Progress = silent) -> Network:
    """The anomaly detector over five log-mel frames of 128 bands (ToyADMOS)."""
    spectra = (frame.reshape(1, 640) for frame in images((1, 5, 128)))
    return seeded_network(autoencoder(), AUTOENCODER_MACS, spectra, CALIBRATION_SAMPLES, progress)


def resnet8() -> onnx.ModelProto:
    """The float model: three residual blocks."""
    g = SeededBuilder("resnet8", (1, 3, 32, 32))
    x = g.relu(g.seeded_conv("conv1", INPUT, (3, 16), pads=same_pads(3, 1)))
    inputs = 16
    for stack, outputs in enumerate((16, 32, 64), start=1):
        stride = 1 if outputs == inputs else 2
        name = f"stack{stack}"
        body = g.seeded_conv(
            f"{name}.conv1", x, (inputs, outputs), stride=stride, pads=same_pads(3, stride)
        )
        body = g.seeded_conv(
            f"{name}.conv2", g.relu(body), (outputs, outputs), pads=same_pads(3, 1)
        )
        if stride == 2:
            x = g.seeded_conv(
                f"{name}.shortcut",
                x,
                (inputs, outputs),
                kernel=(1, 1),
                stride=2,
                pads=same_pads(1, 2),
            )
        x = g.relu(g.add(f"{name}.add", body, x))
        inputs = outputs
    x = g.flatten(g.average_pool("pool", x, 8))
    return g.finish({"logits": g.seeded_gemm("dense", x, 64, 10)})


def ds_cnn() -> onnx.ModelProto:
    """The float model: a first layer of 10 × 4 taps, four depthwise-separable blocks."""
    g = SeededBuilder("ds_cnn", (1, 1, 49, 10))
    # "same" for 49 rows in steps of 2 takes 9 rows of padding.
    x = g.seeded_conv("conv1", INPUT, (1, 64), kernel=(10, 4), stride=2, pads=(4, 1, 5, 1))
    x = g.relu(x)
    for number in range(1, 5):
        x = _separable(g, f"block{number}", x, (64, 64), stride=1)
    x = g.flatten(g.global_average_pool("pool", x))
    return g.finish({"logits": g.seeded_gemm("dense", x, 64, 12)})


def mobilenet() -> onnx.ModelProto:
    """The float model: thirteen depthwise-separable blocks."""
    g = SeededBuilder("mobilenet_v1_025_96", (1, 3, 96, 96))
    x = g.relu(g.seeded_conv("conv1", INPUT, (3, 8), stride=2, pads=same_pads(3, 2)))
    inputs = 8
    for number, (stride, outputs) in enumerate(MOBILENET_BLOCKS, start=1):
        x = _separable(g, f"block{number}", x, (inputs, outputs), stride=stride)
        inputs = outputs
    x = g.flatten(g.global_average_pool("pool", x))
    return g.finish({"logits": g.seeded_gemm("dense", x, inputs, 2)})


def autoencoder() -> onnx.ModelProto:
    """The float model: dense layers with ReLU, the last without."""
    widths = AUTOENCODER_WIDTHS
    g = SeededBuilder("autoencoder", (1, widths[0]))
    x = INPUT
    for number, (inputs, outputs) in enumerate(pairwise(widths), start=1):
        x = g.seeded_gemm(f"dense{number}", x, inputs, outputs)
        if number < len(widths) - 1:
            x = g.relu(x)
    return g.finish({"output": x})


def _separable(
    g: SeededBuilder, name: str, x: str, channels: tuple[int, int], *, stride: int
) -> str:
    """A 3 × 3 depthwise convolution, then a 1 × 1 across channels; ReLU after each."""
    inputs, _ = channels
    x = g.relu(
        g.seeded_conv(
            f"{name}.depthwise",
            x,
            (inputs, inputs),
            stride=stride,
            pads=same_pads(3, stride),
            groups=inputs,
        )
    )
    return g.relu(g.seeded_conv(f"{name}.pointwise", x, channels, kernel=(1, 1), pads=half_pads(1)))
