# SPDX-License-Identifier: Apache-2.0
"""Why ops that only move values stay on the host: the predicate, the values, what would help."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from accel.config import load_config
from codegen.compile import Compiled, compile_model
from codegen.refusal import Refusal
from tests.e2e.small_models import Net

DEFAULT = load_config("default")


def reasons(compiled: Compiled) -> dict[str, Refusal]:
    """Reason by operator, of what stays on the host."""
    found = {n.op: n.refusal for n in compiled.explanation.nodes if n.where == "host"}
    assert all(refusal is not None and refusal.remedy for refusal in found.values())
    return {op: refusal for op, refusal in found.items() if refusal is not None}


def test_moves_that_no_address_and_no_copy_can_do(tmp_path: Path) -> None:
    net = Net((2, 6, 8, 8))
    x = net.conv(6, 16)
    net.node("Concat", x, net.conv(16, 16, kernel=1), axis=3)
    net.conv(16, 16, kernel=1)
    sizes = net.constant(np.array([1, 1, 1.5, 1], np.float32))
    net.node("Resize", net.last, "", sizes, mode="nearest", nearest_mode="floor")
    net.conv(16, 16, kernel=1)
    pads = net.constant(np.array([0, 0, 1, 1, 0, 0, 1, 1]))
    net.node("Pad", net.last, pads, net.constant(np.array(1, np.float32)))
    net.conv(16, 16, kernel=1)
    bounds = [net.constant(np.array([value])) for value in (7, 0, 2, -2)]
    net.node("Slice", net.last, *bounds)
    net.conv(16, 16, kernel=1)
    net.node("ReduceMean", net.last, net.constant(np.array([1])), keepdims=1)
    net.conv(1, 8)
    found = reasons(compile_model(net.quantized(tmp_path / "net.onnx"), DEFAULT))
    assert found["Concat"].rule == "tensors_join_as_blocks"
    assert found["Concat"].detail == (
        "[2, 16, 8, 16] is joined along axis 3: only channels, or rows of one image, are"
    )
    assert found["Resize"].rule == "indices_are_a_slice"
    assert found["Resize"].detail == (
        "indices [0, 0, 1, 1, 2, 3, 3, 4] along axis 2 are no slice and no repetition by a whole "
        "factor"
    )
    assert found["Pad"].detail == "a border of 1 in mode constant: only zeros are"
    assert found["Slice"].rule == "indices_are_a_slice"
    assert found["Slice"].detail == (
        "indices [7, 5, 3, 1] along axis 2 are no slice and no repetition by a whole factor"
    )
    assert found["ReduceMean"].detail == (
        "mean over axes [1] of 4: only image axes, from the third on"
    )


def test_a_configuration_that_would_do_is_named(tmp_path: Path) -> None:
    net = Net((1, 16, 4, 5))
    net.conv(16, 16)
    net.node("Reshape", net.last, net.constant(np.array([1, 16, 20])))
    net.node("Transpose", perm=[0, 2, 1])
    net.node("MatMul", net.last, net.weights(16, 16))
    path = net.quantized(tmp_path / "net.onnx")
    config = load_config("small")
    found = reasons(compile_model(path, config))
    assert found["Transpose"].rule == "pixels_become_rows"
    assert found["Transpose"].remedy == "set bus_bytes <= k_lanes"
    assert found["Transpose"].detail == (
        "a row of 5 pixels takes 40 bytes, no multiple of bus_bytes = 16"
    )
    helped = replace(config, bus_bytes=8)
    assert "Transpose" not in reasons(compile_model(path, helped))


def test_heads_are_not_moved_as_images(tmp_path: Path) -> None:
    """Rotary embeddings cut and join heads between their split and a product."""
    net = Net((1, 16, 32))

    def heads() -> str:
        net.node("MatMul", "x", net.weights(32, 32))
        net.node("Reshape", net.last, net.constant(np.array([1, 16, 2, 16])))
        return net.node("Transpose", perm=[0, 2, 1, 3])

    query, axis = heads(), net.constant(np.array([3]))
    halves = [
        net.node("Slice", query, *(net.constant(np.array([v])) for v in ends), axis)
        for ends in ((8, 16), (0, 8))
    ]
    turned = net.node("Concat", *halves, axis=3)
    net.node("MatMul", turned, net.node("Transpose", heads(), perm=[0, 1, 3, 2]))
    found = reasons(compile_model(net.quantized(tmp_path / "net.onnx"), DEFAULT))
    assert found["Slice"].rule == "heads_are_read_by_products"
    assert found["Slice"].detail == "take reads or makes heads"
