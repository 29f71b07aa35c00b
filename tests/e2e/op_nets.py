# SPDX-License-Identifier: Apache-2.0
"""Networks of a few nodes, each about one kind of op; all of them run on the accelerator alone."""

from __future__ import annotations

import numpy as np

from tests.e2e.small_models import Net


def sound_net() -> Net:
    """One-dimensional convolutions and pools, residual, gate, joined channels; batch 2."""
    net = Net((2, 6, 40), 4)

    def conv(cin: int, cout: int, kernel: int, **attributes: object) -> str:
        weights = net.weights(cout, cin, kernel), net.weights(cout)
        return net.node("Conv", net.last, *weights, pads=[kernel // 2] * 2, **attributes)

    conv(6, 16, 5, strides=[2])
    x = net.node("Relu")
    x = net.node("HardSwish", net.node("Add", conv(16, 16, 3), x))
    net.node("GlobalAveragePool", x)
    conv(16, 16, 1)
    net.node("Mul", x, net.node("Sigmoid"))
    x = net.node("MaxPool", kernel_shape=[3], strides=[2], pads=[1, 1])
    net.node("Concat", conv(1, 16, 3, group=16), x, axis=1)
    conv(32, 16, 3, dilations=[2])
    net.node("AveragePool", kernel_shape=[3], strides=[2])
    net.node("Flatten")
    net.dense(48, 5)
    return net


def reshaping_net() -> Net:
    """Shapes that change between dequantize and quantize, and only by name."""
    net = Net((2, 6, 8, 8), 5)
    net.conv(6, 16)
    net.node("GlobalAveragePool")
    axes = net.constant(np.array([2, 3]))
    net.node("Squeeze", net.last, axes)
    net.dense(16, 20)
    net.node("Unsqueeze", net.last, axes)
    net.conv(20, 12, kernel=1)
    net.node("Transpose", perm=[0, 2, 3, 1])
    net.node("Reshape", net.last, net.constant(np.array([2, 12])))
    net.node("Relu")
    net.node("Unsqueeze", net.last, net.constant(np.array([1])))
    net.node("Flatten")
    net.dense(12, 5)
    return net


def mean_net() -> Net:
    """Means over rows, over pixels, and over both without keeping the axes."""
    net = Net((2, 6, 8, 9), 6)
    x = net.conv(6, 16)
    net.node("ReduceMean", x, net.constant(np.array([3])), keepdims=1)
    rows = net.conv(16, 8, kernel=1)
    net.node("ReduceMean", rows, net.constant(np.array([2])), keepdims=1)
    net.node("Add", net.last, net.node("ReduceMean", rows, net.constant(np.array([2, 3]))))
    net.node("ReduceMean", net.last, net.constant(np.array([2, 3])), keepdims=0)
    net.dense(8, 5)
    return net
