# SPDX-License-Identifier: Apache-2.0
"""Networks with seeded weights: what they cost is real, what they say is not.

Batch norms are taken as folded into the convolutions, which leaves the arithmetic as it is; the
closing softmax of classifiers is left out, since it would hide differences.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx

from models.layers import he_normal
from models.macs import count_macs
from models.network import BuildError, FloatArray, Network, Progress
from models.onnx_builder import GraphBuilder, Pads
from models.quantize import preprocess, quantize

INPUT = "input"
SEED = 1


class SeededBuilder(GraphBuilder):
    """A builder of graphs with one input that draws the weights itself."""

    def __init__(self, name: str, shape: tuple[int, ...]) -> None:
        super().__init__(name, {INPUT: shape})
        self._rng = np.random.default_rng(SEED)

    def seeded_conv(
        self,
        name: str,
        x: str,
        channels: tuple[int, int],
        *,
        kernel: tuple[int, int] = (3, 3),
        stride: int = 1,
        pads: Pads,
        groups: int = 1,
    ) -> str:
        """Convolution of `channels` (inputs, outputs)."""
        inputs, outputs = channels
        weight = he_normal(self._rng, (outputs, inputs // groups, *kernel))
        bias = self._bias(outputs)
        return self.conv(name, x, weight, bias, stride=stride, pads=pads, groups=groups)

    def seeded_gemm(self, name: str, x: str, inputs: int, outputs: int) -> str:
        """Dense layer of `x` [M, inputs]."""
        weight = he_normal(self._rng, (outputs, inputs))
        return self.gemm(name, x, weight, self._bias(outputs))

    def _bias(self, outputs: int) -> FloatArray:
        return self._rng.normal(0.0, 0.1, outputs).astype(np.float32)


def same_pads(kernel: int, stride: int) -> Pads:
    """Keras's "same" where `stride` divides the image: what is odd goes below and to the right."""
    total = max(kernel - stride, 0)
    before, after = total // 2, total - total // 2
    return before, before, after, after


def half_pads(kernel: int) -> Pads:
    """Half the kernel on every side, as PyTorch's networks have it."""
    return (kernel // 2,) * 4


def seeded_network(
    float_model: onnx.ModelProto,
    macs: int,
    samples: Iterator[FloatArray],
    calibration_samples: int,
    progress: Progress,
) -> Network:
    """Quantize on the first samples; the next one is the sample input.

    Raises:
        BuildError: the model has not the published number of `macs`.
    """
    progress("building", 0.0)
    counted = count_macs(float_model)
    if counted != macs:
        raise BuildError(f"{float_model.graph.name} has {counted:,} MACs, the benchmark {macs:,}")
    float_model = preprocess(float_model)
    progress("quantizing", 0.2)
    calibration = [{INPUT: next(samples)} for _ in range(calibration_samples)]
    model = quantize(float_model, calibration)
    return Network(float_model=float_model, model=model, sample={INPUT: next(samples)})


def images(shape: tuple[int, int, int], seed: int = SEED + 1) -> Iterator[FloatArray]:
    """Endless random images [1, C, H, W], smooth as natural ones: mean 0, deviation 1."""
    rng = np.random.default_rng(seed)
    while True:
        noise = rng.normal(size=shape)
        spectrum = np.fft.rfft2(noise)
        rows = np.fft.fftfreq(shape[1])[:, None]
        columns = np.fft.rfftfreq(shape[2])
        smooth = np.fft.irfft2(spectrum / (0.05 + np.hypot(rows, columns)), s=shape[1:])
        yield ((smooth - smooth.mean()) / smooth.std()).astype(np.float32)[None]


def noise(shape: tuple[int, ...]) -> Iterator[FloatArray]:
    """Endless arrays of normal values."""
    rng = np.random.default_rng(SEED + 1)
    while True:
        yield rng.normal(size=shape).astype(np.float32)
