# SPDX-License-Identifier: Apache-2.0
"""Two networks of MLPerf Tiny with seeded weights: what they cost is real, what they say is not.

Source: MLCommons, tiny/benchmark/training (image_classification, anomaly_detection); batch norms
are folded into the convolutions, which leaves the arithmetic as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import onnx

from models.layers import he_normal
from models.macs import count_macs
from models.network import BuildError, FloatArray, Network, Progress, silent
from models.onnx_builder import GraphBuilder
from models.quantize import preprocess, quantize

INPUT = "input"
SEED = 1
CALIBRATION_SAMPLES = 32
RESNET8_MACS = 12_501_632
AUTOENCODER_WIDTHS = (640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640)
AUTOENCODER_MACS = 264_192


def build_resnet8(progress: Progress = silent) -> Network:
    """ResNet-8 for 32 × 32 images (CIFAR-10)."""
    images = _images(np.random.default_rng(SEED + 1), (3, 32, 32))
    return _network(resnet8(), RESNET8_MACS, images, progress)


def build_autoencoder(progress: Progress = silent) -> Network:
    """The anomaly detector over five log-mel frames of 128 bands (ToyADMOS)."""
    frames = _images(np.random.default_rng(SEED + 1), (1, 5, 128))
    spectra = (frame.reshape(1, 640) for frame in frames)
    return _network(autoencoder(), AUTOENCODER_MACS, spectra, progress)


def resnet8() -> onnx.ModelProto:
    """The float model; the closing softmax is left out, since it would hide differences."""
    rng = np.random.default_rng(SEED)
    g = GraphBuilder("resnet8", {INPUT: (1, 3, 32, 32)})
    x = g.relu(_conv(g, rng, "conv1", INPUT, (3, 16)))
    inputs = 16
    for stack, outputs in enumerate((16, 32, 64), start=1):
        stride = 1 if outputs == inputs else 2
        name = f"stack{stack}"
        body = g.relu(_conv(g, rng, f"{name}.conv1", x, (inputs, outputs), stride=stride))
        body = _conv(g, rng, f"{name}.conv2", body, (outputs, outputs))
        if stride == 2:
            x = _conv(g, rng, f"{name}.shortcut", x, (inputs, outputs), kernel=1, stride=2)
        x = g.relu(g.add(f"{name}.add", body, x))
        inputs = outputs
    x = g.flatten(g.average_pool("pool", x, 8))
    return g.finish({"logits": g.gemm("dense", x, he_normal(rng, (10, 64)), _bias(rng, 10))})


def autoencoder() -> onnx.ModelProto:
    """The float model: dense layers with ReLU, the last without."""
    rng = np.random.default_rng(SEED)
    widths = AUTOENCODER_WIDTHS
    g = GraphBuilder("autoencoder", {INPUT: (1, widths[0])})
    x = INPUT
    for number, (inputs, outputs) in enumerate(pairwise(widths), start=1):
        weight = he_normal(rng, (outputs, inputs))
        x = g.gemm(f"dense{number}", x, weight, _bias(rng, outputs))
        if number < len(widths) - 1:
            x = g.relu(x)
    return g.finish({"output": x})


def _network(
    float_model: onnx.ModelProto, macs: int, samples: Iterator[FloatArray], progress: Progress
) -> Network:
    """Quantize on the first samples; the next one is the sample input."""
    progress("building", 0.0)
    counted = count_macs(float_model)
    if counted != macs:
        raise BuildError(f"{float_model.graph.name} has {counted:,} MACs, the benchmark {macs:,}")
    float_model = preprocess(float_model)
    progress("quantizing", 0.2)
    calibration = [{INPUT: next(samples)} for _ in range(CALIBRATION_SAMPLES)]
    model = quantize(float_model, calibration)
    return Network(float_model=float_model, model=model, sample={INPUT: next(samples)})


def _conv(
    builder: GraphBuilder,
    rng: np.random.Generator,
    name: str,
    x: str,
    channels: tuple[int, int],
    *,
    kernel: int = 3,
    stride: int = 1,
) -> str:
    """A convolution padded as Keras does for "same": with stride 2 only below and to the right."""
    inputs, outputs = channels
    total = kernel - stride if kernel > stride else 0
    before, after = total // 2, total - total // 2
    weight = he_normal(rng, (outputs, inputs, kernel, kernel))
    pads = (before, before, after, after)
    return builder.conv(name, x, weight, _bias(rng, outputs), stride=stride, pads=pads)


def _bias(rng: np.random.Generator, outputs: int) -> FloatArray:
    return rng.normal(0.0, 0.1, outputs).astype(np.float32)


def _images(rng: np.random.Generator, shape: tuple[int, int, int]) -> Iterator[FloatArray]:
    """Endless random images [1, C, H, W], smooth as natural ones: mean 0, deviation 1."""
    while True:
        noise = rng.normal(size=shape)
        spectrum = np.fft.rfft2(noise)
        rows = np.fft.fftfreq(shape[1])[:, None]
        columns = np.fft.rfftfreq(shape[2])
        smooth = np.fft.irfft2(spectrum / (0.05 + np.hypot(rows, columns)), s=shape[1:])
        yield ((smooth - smooth.mean()) / smooth.std()).astype(np.float32)[None]
