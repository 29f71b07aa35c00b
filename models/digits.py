# SPDX-License-Identifier: Apache-2.0
"""A CNN trained on scikit-learn's handwritten digits (8 × 8 pixels), with a residual block.

input ─ conv 3x3, 16 ─ conv 3x3/2, 32 ─┬─ conv 3x3, 32 ─ add ─ max pool 2x2 ─ mean ─ dense 10
                                       └──────────────────┘      (ReLU after each conv and the add)
"""

from __future__ import annotations

import numpy as np
import onnx
from sklearn.datasets import load_digits

from models.labelled import labelled_network
from models.layers import Chain, Conv, Dense, GlobalAveragePool, MaxPool, Relu, Residual
from models.network import FloatArray, Network, Progress, silent
from models.onnx_builder import GraphBuilder
from models.quantize import preprocess
from models.train import Labels, Recipe, fit, shift_half

INPUT = "input"
SEED = 7
RECIPE = Recipe(epochs=90, rate=3e-3, decay=1e-2, seed=SEED)
TRAIN_SHARE = 0.6
CALIBRATION_IMAGES = 256


class DigitsNet:
    """The layers by name, and their order."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.conv1 = Conv(rng, 1, 16)
        self.conv2 = Conv(rng, 16, 32, stride=2)
        self.conv3 = Conv(rng, 32, 32)
        self.dense = Dense(rng, 32, 10)
        self.chain = Chain(
            self.conv1,
            Relu(),
            self.conv2,
            Relu(),
            Residual(self.conv3),
            Relu(),
            MaxPool(),
            GlobalAveragePool(),
            self.dense,
        )

    def to_onnx(self) -> onnx.ModelProto:
        """The same function for one image."""
        g = GraphBuilder("digits", {INPUT: (1, 1, 8, 8)})
        x = g.relu(_conv(g, "conv1", INPUT, self.conv1))
        x = g.relu(_conv(g, "conv2", x, self.conv2))
        x = g.relu(g.add("add", _conv(g, "conv3", x, self.conv3), x))
        x = g.flatten(g.global_average_pool("mean", g.max_pool("pool", x, 2)))
        x = g.gemm("dense", x, self.dense.weight.value, self.dense.bias.value)
        return g.finish({"logits": x})


def build(progress: Progress = silent, recipe: Recipe = RECIPE) -> Network:
    """Train, export and quantize; the whole test split goes to `digits_test.npz`."""
    (train_x, train_y), (test_x, test_y) = split()
    net = DigitsNet(np.random.default_rng(SEED))

    def after_epoch(epoch: int, loss: float) -> None:
        progress(f"training, loss {loss:.4f}", 0.9 * epoch / recipe.epochs)

    fit(net.chain, train_x, train_y, recipe, augment=shift_half, report=after_epoch)
    progress("quantizing", 0.9)
    float_model = preprocess(net.to_onnx())
    return labelled_network(float_model, train_x[:CALIBRATION_IMAGES], (test_x, test_y), silent)


def split() -> tuple[tuple[FloatArray, Labels], tuple[FloatArray, Labels]]:
    """Training and test images [N, 1, 8, 8] in 0 to 1 with their labels, 60 % to 40 %."""
    pixels, labels = load_digits(return_X_y=True)
    images = (pixels / 16.0).astype(np.float32).reshape(-1, 1, 8, 8)
    order = np.random.default_rng(SEED).permutation(len(images))
    train, test = np.split(order, [round(TRAIN_SHARE * len(order))])
    return (images[train], labels[train]), (images[test], labels[test])


def _conv(builder: GraphBuilder, name: str, x: str, conv: Conv) -> str:
    pads = (conv.pad,) * 4
    weight, bias = conv.weight.value, conv.bias.value
    return builder.conv(name, x, weight, bias, stride=conv.stride, pads=pads)
