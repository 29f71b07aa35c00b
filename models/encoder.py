# SPDX-License-Identifier: Apache-2.0
"""A transformer encoder as PyTorch's exporter writes it, with seeded weights.

Four layers of BERT's kind: attention of 4 heads and a feed-forward part with GELU, each followed by
a sum and a layer norm; 128 tokens of 256 channels (BERT-mini's sizes).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx

from models.layers import he_normal
from models.network import Network, Progress, silent
from models.seeded import INPUT, SeededBuilder, noise, seeded_network

LAYERS, TOKENS, WIDTH, HEADS, INNER = 4, 128, 256, 4, 1024
MACS = LAYERS * TOKENS * WIDTH * (4 * WIDTH + 2 * INNER + 2 * TOKENS)
CALIBRATION_SAMPLES = 8
HEADS_FIRST = [0, 2, 1, 3]


def build(progress: Progress = silent) -> Network:
    """Embedded tokens in, hidden states out."""
    samples = noise((1, TOKENS, WIDTH))
    return seeded_network(encoder(), MACS, samples, CALIBRATION_SAMPLES, progress)


def encoder(layers: int = LAYERS) -> onnx.ModelProto:
    """The float model."""
    g = _Builder("encoder", (1, TOKENS, WIDTH))
    x = INPUT
    for number in range(1, layers + 1):
        x = g.norm(f"layer{number}.norm1", g.attention(f"layer{number}.attention", x))
        x = g.norm(f"layer{number}.norm2", g.feed_forward(f"layer{number}.mlp", x))
    return g.finish({"hidden": x})


class _Builder(SeededBuilder):
    """What a transformer needs."""

    def attention(self, name: str, x: str) -> str:
        """Each token's mix of all tokens, added to it."""
        parts = {part: self._linear(f"{name}.{part}", x, WIDTH, WIDTH) for part in "qkv"}
        shape = [1, TOKENS, HEADS, WIDTH // HEADS]
        split = {p: self.reshape(f"{name}.{p}.heads", value, shape) for p, value in parts.items()}
        query = self.transpose(f"{name}.query", split["q"], HEADS_FIRST)
        key = self.transpose(f"{name}.key", split["k"], [0, 2, 3, 1])
        value = self.transpose(f"{name}.value", split["v"], HEADS_FIRST)
        root = self.constant(f"{name}.root", (WIDTH // HEADS) ** 0.5)
        product = self._node("MatMul", f"{name}.product", [query, key])
        scores = self._node("Div", f"{name}.scores", [product, root])
        weights = self._node("Softmax", f"{name}.softmax", [scores], axis=-1)
        mixed = self._node("MatMul", f"{name}.mix", [weights, value])
        merged = self.transpose(f"{name}.merged", mixed, HEADS_FIRST)
        rows = self.reshape(f"{name}.rows", merged, [1, TOKENS, WIDTH])
        return self.add(f"{name}.add", self._linear(f"{name}.out", rows, WIDTH, WIDTH), x)

    def feed_forward(self, name: str, x: str) -> str:
        """Two dense layers with GELU between them, added to the input."""
        hidden = self.gelu(f"{name}.gelu", self._linear(f"{name}.up", x, WIDTH, INNER))
        return self.add(f"{name}.add", self._linear(f"{name}.down", hidden, INNER, WIDTH), x)

    def gelu(self, name: str, x: str) -> str:
        """GELU as exporters write it before opset 20: x * (1 + erf(x / sqrt(2))) / 2."""
        scaled = self._node("Div", f"{name}.div", [x, self.constant(f"{name}.root", 2**0.5)])
        erf = self._node("Erf", f"{name}.erf", [scaled])
        one = self._node("Add", f"{name}.one", [erf, self.constant(f"{name}.1", 1.0)])
        product = self._node("Mul", f"{name}.product", [x, one])
        return self._node("Mul", name, [product, self.constant(f"{name}.half", 0.5)])

    def norm(self, name: str, x: str) -> str:
        """Mean 0 and deviation 1 over the channels of each token, then a factor and an offset."""
        scale = self._rng.normal(1.0, 0.1, WIDTH).astype(np.float32)
        operands = [x, self._weight(f"{name}.scale", scale)]
        operands.append(self._weight(f"{name}.bias", self._bias(WIDTH)))
        return self._node("LayerNormalization", name, operands, axis=-1)

    def transpose(self, name: str, x: str, axes: Sequence[int]) -> str:
        """Axes in another order."""
        return self._node("Transpose", name, [x], perm=list(axes))

    def reshape(self, name: str, x: str, shape: Sequence[int]) -> str:
        """Another shape."""
        return self._node("Reshape", name, [x, self.integers(f"{name}.shape", shape)])

    def _linear(self, name: str, x: str, inputs: int, outputs: int) -> str:
        """Product and bias are two nodes."""
        weight = self._weight(f"{name}.weight", he_normal(self._rng, (outputs, inputs)).T)
        product = self._node("MatMul", f"{name}.product", [x, weight])
        return self._node("Add", name, [product, self._weight(f"{name}.bias", self._bias(outputs))])
