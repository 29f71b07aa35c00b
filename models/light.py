# SPDX-License-Identifier: Apache-2.0
"""The classic ImageNet architectures that the ONNX wheel carries, with seeded weights.

ONNX's `light_*` files hold graphs of the model zoo as Caffe2 exported them (opset 9), but most
weights are one constant each. Here they get values by what they are: He-normal kernels, small
biases, batch norms that scale and shift, with the statistics that belong to these kernels
(statistics.py). What a network says is noise; that the noise depends on every weight and pixel is
what makes a comparison of bits worth something.

The closing softmax is left out, as in seeded.py: it would hide differences.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper, shape_inference, version_converter

from models.layers import he_normal
from models.network import BuildError, FloatArray, Network, Progress, silent
from models.onnx_builder import IR_VERSION, OPSET
from models.seeded import INPUT, SEED, images, seeded_network
from models.statistics import fit_statistics

FOLDER = Path("backend/test/data/light")
OUTPUT = "logits"
FULL_SIZE = "_224"
"""How the names of networks end that are also there for smaller images."""
CALIBRATION_SAMPLES = 2
STATISTICS_IMAGES = 8
"""What statistics are measured on; others than the quantizer and our tests see."""
SPREAD = 0.1
"""Deviation of biases, and of what batch norms scale by."""
NORM_ROLES = ("", "scale", "bias", "bias", "scale")
"""What the inputs of BatchNormalization are; mean and variance are measured later."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """A file of the wheel, and what must come out of it."""

    file: str
    macs: int
    size: int = 224
    """Of the image; others than 224 change the first dense layer."""


ARCHITECTURES = {
    "light_alexnet": Architecture("light_bvlc_alexnet", 193_548_416, size=127),
    "light_densenet121": Architecture("light_densenet121", 2_834_161_664),
    "light_inception_v1": Architecture("light_inception_v1", 1_431_556_352),
    "light_inception_v2": Architecture("light_inception_v2", 2_018_851_840),
    "light_resnet50": Architecture("light_resnet50", 4_089_184_256),
    "light_shufflenet": Architecture("light_shufflenet", 124_664_528),
    "light_squeezenet": Architecture("light_squeezenet", 349_151_936),
    "light_vgg19": Architecture("light_vgg19", 1_621_786_624, size=64),
    "light_zfnet512": Architecture("light_zfnet512", 392_773_664, size=127),
    "light_alexnet_224": Architecture("light_bvlc_alexnet", 654_560_384),
    "light_vgg19_224": Architecture("light_vgg19", 19_632_062_464),
    "light_zfnet512_224": Architecture("light_zfnet512", 1_481_727_008),
}
"""By name of the network. Where a 224 × 224 image's features meet the first dense layer, AlexNet
has 38 M weights, ZFNet-512 75 M and VGG-19 103 M: smaller images make them networks that build and
run in seconds, with every convolution as it was. NAME_224 is the full size, on demand."""


def build(name: str, progress: Progress = silent) -> Network:
    """Load, seed and quantize one of ARCHITECTURES."""
    architecture = ARCHITECTURES[name]
    samples = images((3, architecture.size, architecture.size))
    return seeded_network(
        load_float(name), architecture.macs, samples, CALIBRATION_SAMPLES, progress
    )


def load_float(name: str) -> onnx.ModelProto:
    """The float model at our opset: seeded, from `input` to `logits`."""
    architecture = ARCHITECTURES[name]
    model = onnx.load(_locate(architecture.file))
    model.graph.name = name
    model.ir_version = IR_VERSION
    _name_borders(model.graph, architecture.size)
    _flatten_any_size(model.graph)
    _seed(model)
    model = version_converter.convert_version(model, OPSET)
    drawn = images((3, architecture.size, architecture.size), SEED + 2)
    fit_statistics(model, np.concatenate(list(islice(drawn, STATISTICS_IMAGES))))
    model = shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
    onnx.checker.check_model(model)
    return model


def _locate(file: str) -> Path:
    spec = find_spec("onnx")
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent / FOLDER / f"{file}.onnx"
    if not path.is_file():
        raise BuildError(f"no file {path}: this onnx wheel has no light models")
    return path


def _name_borders(graph: onnx.GraphProto, size: int) -> None:
    """Call the image `input` and what the softmax reads, or the end, `logits`; set the size."""
    weights = {weight.name for weight in graph.initializer}
    (image,) = (value for value in graph.input if value.name not in weights)
    (output,) = graph.output
    last = graph.node[-1]
    if last.op_type == "Softmax":
        graph.node.remove(last)
    renamed = {image.name: INPUT, graph.node[-1].output[0]: OUTPUT}
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [renamed.get(name, name) for name in names]
    image.name, output.name = INPUT, OUTPUT
    for axis in (2, 3):
        image.type.tensor_type.shape.dim[axis].dim_value = size
    del graph.input[:]
    graph.input.append(image)
    del graph.value_info[:]


def _flatten_any_size(graph: onnx.GraphProto) -> None:
    """Reshapes that flatten the features leave their number open."""
    targets = {node.input[1] for node in graph.node if node.op_type == "Reshape"}
    for weight in graph.initializer:
        shape = numpy_helper.to_array(weight)
        if weight.name in targets and shape.size == 2 and shape[0] == 1:
            open_shape = np.array([1, -1], np.int64)
            weight.CopyFrom(numpy_helper.from_array(open_shape, weight.name))


def _seed(model: onnx.ModelProto) -> None:
    """Replace every constant weight by a drawn one, in the order of the nodes that read them."""
    graph = model.graph
    rng = np.random.default_rng(SEED)
    given = {weight.name: numpy_helper.to_array(weight) for weight in graph.initializer}
    shapes = {
        node.output[0]: tuple(given[node.input[0]].tolist())
        for node in graph.node
        if node.op_type == "ConstantOfShape"
    }
    inferred = {
        value.name: tuple(d.dim_value for d in value.type.tensor_type.shape.dim)
        for value in shape_inference.infer_shapes(model).graph.value_info
    }
    drawn = []
    for name, node, index in _readers(graph, shapes):
        shape = shapes[name]
        if node.op_type == "Gemm" and index == 1 and len(shape) == 2:
            shape = (shape[0], inferred[node.input[0]][1])
        drawn.append(numpy_helper.from_array(_draw(rng, _role(node, index), shape), name))
    kept = [node for node in graph.node if node.op_type != "ConstantOfShape"]
    used = {value for node in kept for value in node.input}
    initializers = [weight for weight in graph.initializer if weight.name in used]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(kept)
    graph.initializer.extend([*initializers, *drawn])


def _readers(
    graph: onnx.GraphProto, constants: Mapping[str, tuple[int, ...]]
) -> Iterator[tuple[str, onnx.NodeProto, int]]:
    """Each constant with the node, and which input of it, that reads it; once."""
    moved = {
        node.output[0]: node.input[0]
        for node in graph.node
        if node.op_type in ("Unsqueeze", "Reshape") and node.input[0] in constants
    }
    seen = set()
    for node in graph.node:
        for index, value in enumerate(node.input):
            name = moved.get(value, value)
            if name in constants and name not in seen and node.output[0] not in moved:
                seen.add(name)
                yield name, node, index


def _role(node: onnx.NodeProto, index: int) -> str:
    match node.op_type:
        case "BatchNormalization":
            return NORM_ROLES[index]
        case "Conv" | "Gemm":
            return "kernel" if index == 1 else "bias"
        case "Mul":
            return "scale"
        case "Add":
            return "bias"
    raise BuildError(f"{node.op_type} {node.output[0]} reads a constant that has no role")


def _draw(rng: np.random.Generator, role: str, shape: tuple[int, ...]) -> FloatArray:
    if role == "kernel":
        # Caffe2 writes the kernel of a dense layer as [1, 1, outputs, inputs].
        return he_normal(rng, shape[-2:] if shape[:2] == (1, 1) else shape).reshape(shape)
    return rng.normal(1.0 if role == "scale" else 0.0, SPREAD, shape).astype(np.float32)
