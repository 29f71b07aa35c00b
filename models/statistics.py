# SPDX-License-Identifier: Apache-2.0
"""What the channels of a float network are moved and scaled by, as training would leave it.

Random layers that keep the variance, and no more, answer the same to every image. ReLUs give every
channel a mean, each layer adds up the means of the one before, and with depth what all images share
drowns what they do not (Poole et al., 2016, "Exponential expressivity in deep neural networks
through transient chaos"). Trained networks are not so: a batch norm takes away the mean that its
own input has, and divides by its deviation. Here it does, too; where there is none, a convolution's
bias takes the mean away (Krähenbühl et al., 2016, "Data-dependent initializations of convolutional
neural networks"). Half of the mean: without all of it, random layers amplify each difference, and
after a hundred of them the rounding of int8 has become as large as what images differ by.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper

from models.network import FloatArray
from models.quantize import evaluate

ALL_BUT_CHANNELS = [0, 2, 3]
CHANNELS = "statistics.channels"
"""Shape of a value that is added to each channel."""
SHARES = {"statistics.taken": 0.5, "statistics.least": 0.01}
"""Of the mean, what is taken away. Of the mean variance of a norm's channels, what each has at
least: one that is dead in all images, and wakes up in another, must not drown the rest."""
TAKEN, LEAST = SHARES


def fit_statistics(model: onnx.ModelProto, images: FloatArray) -> None:
    """Set mean and variance of batch norms by what `images` [N, C, H, W] are there; move biases.

    All is measured in one pass that computes the statistics in the graph: each layer is measured
    behind layers that are as they will be.
    """
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    graph = probe.graph
    nodes = list(graph.node)
    del graph.node[:]
    measured: dict[str, str] = {}  # initializer -> value of the probe that replaces it
    for node in nodes:
        if node.op_type == "BatchNormalization":
            graph.node.extend(_measured_norm(node, measured))
        elif node.op_type == "Conv" and len(node.input) == 3:
            graph.node.extend(_measured_bias(node, measured))
        else:
            graph.node.append(node)
    graph.initializer.append(numpy_helper.from_array(np.array([1, -1, 1, 1]), CHANNELS))
    for name, share in SHARES.items():
        graph.initializer.append(numpy_helper.from_array(np.array([share], np.float32), name))
    _open_batch(graph)
    found = evaluate(probe, {graph.input[0].name: images}, list(measured.values()))
    values = dict(zip(measured, found, strict=True))
    for weight in model.graph.initializer:
        if weight.name in values:
            weight.CopyFrom(numpy_helper.from_array(values[weight.name], weight.name))


def _measured_norm(node: onnx.NodeProto, measured: dict[str, str]) -> list[onnx.NodeProto]:
    """The norm by the statistics of its input."""
    source, scale, bias, *given = node.input
    parts = ("mean", "taken", "wide", "centred", "square", "plain", "typical", "least", "variance")
    mean, taken, wide, centred, square, plain, typical, least, variance = (
        f"{node.output[0]}.{what}" for what in parts
    )
    measured |= dict(zip(given, (taken, variance), strict=True))
    norm = onnx.NodeProto()
    norm.CopyFrom(node)
    norm.input[:] = [source, scale, bias, taken, variance]
    return [
        helper.make_node("ReduceMean", [source], [mean], axes=ALL_BUT_CHANNELS, keepdims=0),
        helper.make_node("Mul", [mean, TAKEN], [taken]),
        helper.make_node("Reshape", [mean, CHANNELS], [wide]),
        helper.make_node("Sub", [source, wide], [centred]),
        helper.make_node("Mul", [centred, centred], [square]),
        helper.make_node("ReduceMean", [square], [plain], axes=ALL_BUT_CHANNELS, keepdims=0),
        helper.make_node("ReduceMean", [plain], [typical]),
        helper.make_node("Mul", [typical, LEAST], [least]),
        helper.make_node("Max", [plain, least], [variance]),
        norm,
    ]


def _measured_bias(node: onnx.NodeProto, measured: dict[str, str]) -> list[onnx.NodeProto]:
    """The convolution with a bias that takes away from what it gives without."""
    source, weight, given = node.input
    plain, mean, taken, bias, wide = (
        f"{node.output[0]}.{what}" for what in ("plain", "mean", "taken", "bias", "wide")
    )
    measured[given] = bias
    conv = onnx.NodeProto()
    conv.CopyFrom(node)
    conv.input[:] = [source, weight]
    conv.output[:] = [plain]
    return [
        conv,
        helper.make_node("ReduceMean", [plain], [mean], axes=ALL_BUT_CHANNELS, keepdims=0),
        helper.make_node("Mul", [mean, TAKEN], [taken]),
        helper.make_node("Sub", [given, taken], [bias]),
        helper.make_node("Reshape", [bias, CHANNELS], [wide]),
        helper.make_node("Add", [plain, wide], list(node.output)),
    ]


def _open_batch(graph: onnx.GraphProto) -> None:
    """Take any number of images: reshapes keep the first axis, and no shape is stated."""
    targets = {node.input[1] for node in graph.node if node.op_type == "Reshape"} - {CHANNELS}
    for weight in graph.initializer:
        shape = numpy_helper.to_array(weight).copy()
        if weight.name in targets and shape[0] == 1:
            shape[0] = 0
            weight.CopyFrom(numpy_helper.from_array(shape, weight.name))
    graph.input[0].type.tensor_type.shape.dim[0].dim_param = "images"
    del graph.value_info[:]
    for value in graph.output:
        value.type.tensor_type.ClearField("shape")
