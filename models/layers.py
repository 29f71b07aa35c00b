# SPDX-License-Identifier: Apache-2.0
"""Layers of small convolutional networks in pure NumPy, forward and backward.

A layer keeps what its backward pass needs from the last forward pass. Images are [N, C, H, W]
float32 and weights [O, C, KH, KW], as in ONNX, so trained weights are exported as they are.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from models.network import FloatArray


class Parameter:
    """A trained array with its gradient."""

    def __init__(self, value: FloatArray) -> None:
        self.value = value
        self.gradient = np.zeros_like(value)


class Layer(Protocol):
    """A differentiable function of one array."""

    def forward(self, x: FloatArray) -> FloatArray:
        """The layer's output."""

    def backward(self, dy: FloatArray) -> FloatArray:
        """The gradient for the last input; leaves those of the parameters in them."""

    def parameters(self) -> list[Parameter]:
        """What training changes."""


class _Fixed:
    """A layer without parameters."""

    def parameters(self) -> list[Parameter]:
        """None."""
        return []


class Conv:
    """Square convolution, padded by half the kernel on every side."""

    def __init__(
        self, rng: np.random.Generator, inputs: int, outputs: int, kernel: int = 3, stride: int = 1
    ) -> None:
        self.weight = Parameter(he_normal(rng, (outputs, inputs, kernel, kernel)))
        self.bias = Parameter(np.zeros(outputs, np.float32))
        self.stride = stride
        self.pad = kernel // 2

    def forward(self, x: FloatArray) -> FloatArray:
        """One matrix product over the unfolded windows (im2col)."""
        kernel = self.weight.value.shape[-1]
        around = ((0, 0), (0, 0), (self.pad, self.pad), (self.pad, self.pad))
        padded = np.pad(x, around)
        self._padded_shape = padded.shape
        windows = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), axis=(2, 3))
        windows = windows[:, :, :: self.stride, :: self.stride].transpose(0, 2, 3, 1, 4, 5)
        self._pixels = windows.shape[:3]
        self._columns = windows.reshape(int(np.prod(self._pixels)), -1)
        y = self._columns @ self._matrix().T + self.bias.value
        return y.reshape(*self._pixels, -1).transpose(0, 3, 1, 2)

    def backward(self, dy: FloatArray) -> FloatArray:
        """The transposed products; overlapping windows add up."""
        outputs, inputs, kernel, _ = self.weight.value.shape
        rows = dy.transpose(0, 2, 3, 1).reshape(-1, outputs)
        self.weight.gradient = (rows.T @ self._columns).reshape(self.weight.value.shape)
        self.bias.gradient = rows.sum(axis=0)
        taps = (rows @ self._matrix()).reshape(*self._pixels, inputs, kernel, kernel)
        dx = np.zeros(self._padded_shape, np.float32)
        _, height, width = self._pixels
        for ky in range(kernel):
            for kx in range(kernel):
                down = slice(ky, ky + height * self.stride, self.stride)
                right = slice(kx, kx + width * self.stride, self.stride)
                dx[:, :, down, right] += taps[..., ky, kx].transpose(0, 3, 1, 2)
        edge = slice(self.pad, -self.pad or None)
        return dx[:, :, edge, edge]

    def parameters(self) -> list[Parameter]:
        """Weight and bias."""
        return [self.weight, self.bias]

    def _matrix(self) -> FloatArray:
        return self.weight.value.reshape(len(self.weight.value), -1)


class Dense:
    """Matrix product with `weight` [O, I]."""

    def __init__(self, rng: np.random.Generator, inputs: int, outputs: int) -> None:
        self.weight = Parameter(he_normal(rng, (outputs, inputs)))
        self.bias = Parameter(np.zeros(outputs, np.float32))

    def forward(self, x: FloatArray) -> FloatArray:
        """Of [N, I]."""
        self._x = x
        return x @ self.weight.value.T + self.bias.value

    def backward(self, dy: FloatArray) -> FloatArray:
        """The transposed products."""
        self.weight.gradient = dy.T @ self._x
        self.bias.gradient = dy.sum(axis=0)
        return dy @ self.weight.value

    def parameters(self) -> list[Parameter]:
        """Weight and bias."""
        return [self.weight, self.bias]


class Relu(_Fixed):
    """Rectifier."""

    def forward(self, x: FloatArray) -> FloatArray:
        """Negative values become zero."""
        self._mask = x > 0
        return x * self._mask

    def backward(self, dy: FloatArray) -> FloatArray:
        """Only where the input was positive."""
        return dy * self._mask


class MaxPool(_Fixed):
    """Maximum of 2 × 2 windows that do not overlap; height and width must be even."""

    def forward(self, x: FloatArray) -> FloatArray:
        """Half the height and width."""
        n, c, h, w = x.shape
        windows = x.reshape(n, c, h // 2, 2, w // 2, 2).transpose(0, 1, 2, 4, 3, 5)
        flat = windows.reshape(n, c, h // 2, w // 2, 4)
        self._winner = flat.argmax(axis=-1)[..., None]
        self._shape = x.shape
        best: FloatArray = np.take_along_axis(flat, self._winner, axis=-1)[..., 0]
        return best

    def backward(self, dy: FloatArray) -> FloatArray:
        """To the winner of each window."""
        n, c, h, w = self._shape
        flat = np.zeros((*dy.shape, 4), np.float32)
        np.put_along_axis(flat, self._winner, dy[..., None], axis=-1)
        windows = flat.reshape(n, c, h // 2, w // 2, 2, 2).transpose(0, 1, 2, 4, 3, 5)
        return windows.reshape(self._shape)


class GlobalAveragePool(_Fixed):
    """Mean over all pixels, flattened: [N, C, H, W] to [N, C]."""

    def forward(self, x: FloatArray) -> FloatArray:
        """The mean of each channel."""
        self._shape = x.shape
        mean: FloatArray = x.mean(axis=(2, 3))
        return mean

    def backward(self, dy: FloatArray) -> FloatArray:
        """Shared evenly."""
        height, width = self._shape[2:]
        share = np.broadcast_to(dy[:, :, None, None], self._shape)
        return share / np.float32(height * width)


class Chain:
    """Layers one after the other."""

    def __init__(self, *layers: Layer) -> None:
        self.layers = layers

    def forward(self, x: FloatArray) -> FloatArray:
        """Through all, first to last."""
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, dy: FloatArray) -> FloatArray:
        """Through all, last to first."""
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
        return dy

    def parameters(self) -> list[Parameter]:
        """Those of all layers, in order."""
        return [parameter for layer in self.layers for parameter in layer.parameters()]


class Residual:
    """Adds a layer's input to its output."""

    def __init__(self, body: Layer) -> None:
        self.body = body

    def forward(self, x: FloatArray) -> FloatArray:
        """The sum of input and body."""
        return x + self.body.forward(x)

    def backward(self, dy: FloatArray) -> FloatArray:
        """Both ways get the gradient."""
        return dy + self.body.backward(dy)

    def parameters(self) -> list[Parameter]:
        """Those of the body."""
        return self.body.parameters()


def he_normal(rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    """Weights that keep the variance through a ReLU layer (He et al., 2015); outputs first."""
    fan_in = int(np.prod(shape[1:]))
    return rng.normal(0.0, np.sqrt(2.0 / fan_in), shape).astype(np.float32)
