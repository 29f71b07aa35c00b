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
    """Shapes that change between dequantize and quantize, and only by name; means of all kinds."""
    net = Net((2, 6, 8, 9), 5)
    net.conv(6, 16)
    net.node("ReduceMean", net.last, net.constant(np.array([3])), keepdims=1)
    rows = net.conv(16, 8, kernel=1)
    net.node("ReduceMean", rows, net.constant(np.array([2])), keepdims=1)
    net.node("Add", net.last, net.node("ReduceMean", rows, net.constant(np.array([2, 3]))))
    axes = net.constant(np.array([2, 3]))
    net.node("ReduceMean", net.last, axes, keepdims=0)
    net.dense(8, 20)
    net.node("Unsqueeze", net.last, axes)
    net.conv(20, 12, kernel=1)
    net.node("Transpose", perm=[0, 2, 3, 1])
    net.node("Reshape", net.last, net.constant(np.array([2, 12])))
    net.node("Relu")
    net.node("Unsqueeze", net.last, net.constant(np.array([1])))
    net.node("Squeeze", net.last, net.constant(np.array([1])))
    net.dense(12, 5)
    return net


def growing_net() -> Net:
    """Transposed convolutions and resize, joined with what came before as in a U-Net; pools whose
    windows differ."""
    net = Net((2, 6, 9, 8), 7)

    def up(cin: int, cout: int, kernel: int, **attributes: object) -> str:
        weights = net.weights(cin, cout, kernel, kernel), net.weights(cout)
        return net.node("ConvTranspose", net.last, *weights, **attributes)

    x = net.conv(6, 16)
    net.node("AveragePool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    up(16, 20, 3, strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[0, 1])
    net.node("Relu")
    net.node("Concat", x, net.last, axis=1)
    up(36, 10, 2, strides=[2, 2])
    net.node("Pad", net.last, net.constant(np.array([0, 0, 1, 0, 0, 0, 1, 1])))
    net.node("MaxPool", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
    net.node("AveragePool", kernel_shape=[2, 3], strides=[2, 2], ceil_mode=1)
    scales = net.constant(np.array([1, 1, 2, 3], np.float32))
    net.node(
        "Resize",
        net.last,
        "",
        scales,
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
    net.node("Pad", net.last, net.constant(np.array([0, 0, 2, 1, 0, 0, 0, 1])))
    net.conv(10, 5, pads=[0, 0, 1, 0])
    return net


def joined_net() -> Net:
    """Joined, split and shuffled channels, in and between output vectors; slices; groups."""
    net = Net((2, 6, 10, 12), 3)
    net.conv(6, 32)
    x = net.node("Relu")
    joined = net.node("Concat", x, net.conv(32, 32, group=2), axis=1)
    for shape in ([2, 4, 16, 10, 12], [2, 64, 10, 12]):
        joined = net.node("Reshape", joined, net.constant(np.array(shape)))
        if len(shape) == 5:
            joined = net.node("Transpose", joined, perm=[0, 2, 1, 3, 4])
    halves = net.node("Split", joined, net.constant(np.array([32, 32])), axis=1)
    net.nodes[-1].output.append(f"{halves}b")
    net.last = f"{halves}b"
    narrow = net.conv(32, 20, kernel=1)
    ends = [net.constant(np.array(values)) for values in ([1, 0], [10, 11], [2, 3], [2, 1])]
    net.last = net.node("Concat", halves, narrow, net.conv(20, 7), axis=1)
    net.node("Slice", net.last, *ends)
    net.conv(59, 16)
    net.node("Relu")
    net.node("GlobalAveragePool")
    net.node("Flatten")
    net.dense(16, 5)
    return net


def patches_net() -> Net:
    """A vision transformer's ends: patches as rows, a mean over rows; rows as an image again."""
    net = Net((2, 3, 8, 12), 8)
    net.conv(3, 32, kernel=4, strides=[4, 4], pads=[0, 0, 0, 0])
    net.node("Reshape", net.last, net.constant(np.array([2, 32, 6])))
    rows = net.node("Transpose", perm=[0, 2, 1])
    y = net.node("Add", net.node("MatMul", rows, net.weights(32, 32)), net.weights(32))
    rows = net.node("Add", net.node("Gelu", y), rows)
    net.node("Transpose", rows, perm=[0, 2, 1])
    net.node("Reshape", net.last, net.constant(np.array([2, 32, 2, 3])))
    net.conv(32, 16)
    net.node("Transpose", perm=[0, 2, 3, 1])
    rows = net.node("Reshape", net.last, net.constant(np.array([2, 6, 16])))
    net.node("MatMul", rows, net.weights(16, 16))
    net.node("ReduceMean", net.last, net.constant(np.array([1])), keepdims=0)
    net.dense(16, 5)
    return net
