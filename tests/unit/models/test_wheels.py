# SPDX-License-Identifier: Apache-2.0
"""Networks that packages carry: seeded or trained, always the same."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import onnx
import pytest
from onnx import helper

from models import encoder, light, magika, mobilenet_v2, ppocr_rec, text_images
from models.build import NETWORKS
from models.macs import count_macs
from models.network import BuildError
from models.onnx_builder import GraphBuilder
from models.quantize import run
from models.seeded import INPUT, images
from models.wheels import locate

loaded = cache(light.load_float)


def test_light_weights_are_drawn_by_what_they_are() -> None:
    model = loaded("light_squeezenet")
    weights = {w.name: onnx.numpy_helper.to_array(w) for w in model.graph.initializer}
    kernels = [weights[node.input[1]] for node in model.graph.node if node.op_type == "Conv"]
    assert len(kernels) == 26
    for kernel in kernels:
        fan_in = kernel[0].size
        assert kernel.std() == pytest.approx((2 / fan_in) ** 0.5, rel=0.15)
    assert model.graph.node[-1].op_type == "GlobalAveragePool"
    assert [v.name for v in (*model.graph.input, *model.graph.output)] == [INPUT, light.OUTPUT]


@pytest.mark.parametrize("name", ["light_shufflenet", "light_squeezenet", "light_inception_v2"])
def test_light_networks_answer_differently_to_different_images(name: str) -> None:
    """By more than an int8 step; without fitted statistics: 31 %, 37 %, none of the outputs."""
    model = loaded(name)
    drawn = images((3, 224, 224))
    first, second = run(model, [{INPUT: next(drawn)}, {INPUT: next(drawn)}])
    step = np.ptp(first) / 255
    assert (np.abs(first - second) > step).mean() > 0.75


def test_int8_follows_float_through_many_layers() -> None:
    network = light.build("light_shufflenet")
    expected, actual = (run(m, [network.sample]) for m in (network.float_model, network.model))
    assert np.corrcoef(expected.ravel(), actual.ravel())[0, 1] > 0.98


def test_light_networks_are_reproducible() -> None:
    first, second = loaded("light_squeezenet"), light.load_float("light_squeezenet")
    assert first.SerializeToString() == second.SerializeToString()


def test_a_smaller_image_changes_the_first_dense_layer_only() -> None:
    model = light.load_float("light_alexnet")
    shapes = {w.name: tuple(w.dims) for w in model.graph.initializer}
    dense = [shapes[node.input[1]] for node in model.graph.node if node.op_type == "Gemm"]
    assert dense == [(4096, 256 * 3 * 3), (4096, 4096), (1000, 4096)]
    assert count_macs(model) == light.ARCHITECTURES["light_alexnet"].macs


def test_every_light_network_can_be_built_by_name() -> None:
    assert set(light.ARCHITECTURES) <= NETWORKS.keys()
    assert all(architecture.macs for architecture in light.ARCHITECTURES.values())


@pytest.mark.parametrize(
    ("model", "macs"),
    [(mobilenet_v2.mobilenet_v2, 300_774_272), (encoder.encoder, 436_207_616)],
)
def test_macs_are_those_of_the_architecture(model: object, macs: int) -> None:
    assert callable(model)
    assert count_macs(model()) == macs


def test_transposed_convolutions_use_every_input_for_every_tap() -> None:
    g = GraphBuilder("up", {"x": (1, 4, 5, 6)})
    weight = g._weight("w", np.ones((4, 3, 2, 2), np.float32))
    model = g.finish({"y": g._node("ConvTranspose", "up", ["x", weight], strides=[2, 2])})
    assert count_macs(model) == 5 * 6 * 4 * 3 * 2 * 2


def test_magika_takes_both_ends_of_a_file() -> None:
    small = magika.features(b"  ab \n")
    assert small[:3].tolist() == [97, 98, magika.PADDING]
    assert small[-3:].tolist() == [magika.PADDING, 97, 98]
    large = magika.features(b" " + bytes([1]) * 5000 + bytes([2]) * 5000)
    assert large.tolist() == [1] * 1024 + [2] * 1024


def test_magika_has_files_of_many_types_in_a_fixed_order() -> None:
    samples, labels = magika.labelled_files()
    again, _ = magika.labelled_files()
    np.testing.assert_array_equal(samples, again)
    assert len(samples) == len(labels) > 60
    config = (locate(magika.PACKAGE) / magika.FOLDER / "config.min.json").read_text()
    names = {json.loads(config)["target_labels_space"][label] for label in labels[:20]}
    assert {"c", "css", "html", "jpeg"} <= names


def test_the_reader_knows_its_characters() -> None:
    characters = ppocr_rec.characters()
    assert len(characters) == 6625
    assert len(set(characters)) == 6625
    rng = np.random.default_rng(0)
    images, labels = ppocr_rec.text_lines(rng, 3)
    assert images.shape == (3, 3, *ppocr_rec.SIZE)
    for label in labels:
        assert "".join(characters[code] for code in label if code)[-2:].isdigit()


def test_text_is_inside_its_box() -> None:
    page = text_images.paper(np.random.default_rng(0), (60, 200))
    plain = np.asarray(page).copy()
    left, top, right, bottom = text_images.write(page, "Hello", size=20)
    changed = np.argwhere((np.asarray(page) != plain).any(axis=2))
    assert len(changed)
    assert (changed >= (top, left)).all()
    assert (changed <= (bottom, right)).all()


def test_a_missing_package_is_named() -> None:
    with pytest.raises(BuildError, match="no_such_package is not installed"):
        locate("no_such_package")


def test_dynamic_shapes_become_static() -> None:
    from models.wheels import standardize

    node = helper.make_node("Relu", ["x"], ["y"])
    float_ = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [node],
        "open",
        [helper.make_tensor_value_info("x", float_, ["batch", 3])],
        [helper.make_tensor_value_info("y", float_, ["batch", 3])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)])
    fixed = standardize(model, {"x": (1, 3)})
    for value in (*fixed.graph.input, *fixed.graph.output):
        assert [d.dim_value for d in value.type.tensor_type.shape.dim] == [1, 3]
