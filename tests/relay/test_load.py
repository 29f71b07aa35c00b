# SPDX-License-Identifier: Apache-2.0
"""Models that come as Relay: text, JSON, with parameters beside; and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tvm import relay

from accel.errors import ModelError
from codegen.choices import BY_OP, Choices
from codegen.relay.compile import compile_relay
from codegen.relay.load import load
from codegen.relay.partition import NOT_WHOLE
from tests.relay.qnn_graphs import conv, image, requantize
from tests.relay.running import CONFIG, save


def layer() -> relay.Expr:
    acc, scales = conv(image(), 8, 16, scale=0.02, zero=3)
    return requantize(acc, scales, 0, (0.2, -7))


def test_text_and_json_give_the_same_program(tmp_path: Path) -> None:
    text = save(layer(), tmp_path / "net.relay", text=True)
    json = save(layer(), tmp_path / "net.json")
    programs = [compile_relay(path, CONFIG).programs["tessera_0"] for path in (text, json)]
    assert np.array_equal(programs[0].words, programs[1].words)
    assert np.array_equal(programs[0].constants, programs[1].constants)
    assert [layer.node for layer in programs[0].layers] == ["qnn.conv2d:0"]


def test_parameters_are_read_from_the_file_beside(tmp_path: Path) -> None:
    bias = relay.var("bias", shape=(16,), dtype="int32")
    acc, scales = conv(image(), 8, 16, scale=0.02, zero=3)
    body = requantize(relay.nn.bias_add(acc.args[0], bias), scales, 0, (0.2, -7))
    path = save(body, tmp_path / "net.relay", text=True)
    assert len(load(path).module["main"].params) == 2
    values = np.arange(16, dtype=np.int32)
    (tmp_path / "net.params").write_bytes(relay.save_param_dict({"bias": values}))
    assert len(load(path).module["main"].params) == 1
    assert compile_relay(path, CONFIG).programs


@pytest.mark.parametrize("text", ["def @main(", '{"root": 1}', ""])
def test_what_is_no_relay_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "net.relay"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=r"net\.relay: not a Relay module"):
        load(path)


def test_control_flow_is_refused(tmp_path: Path) -> None:
    condition, x = relay.var("c", shape=(), dtype="bool"), image()
    path = save(relay.If(condition, x, relay.nn.relu(x)), tmp_path / "net.json")
    with pytest.raises(ModelError, match="only dataflow is supported"):
        load(path)


def test_sums_that_leave_the_model_stay_on_the_host(tmp_path: Path) -> None:
    """Single ops that are supported make no whole command: the int32 sums are the output."""
    acc, _ = conv(image(), 8, 16, scale=0.02, zero=3)
    path = save(relay.Tuple([acc, layer()]), tmp_path / "net.json")
    compiled = compile_relay(path, CONFIG, Choices(annotate=BY_OP))
    assert [layer.node for layer in compiled.programs["tessera_0"].layers] == ["qnn.conv2d:2"]
    fates = {fate.node: fate for fate in compiled.explanation.nodes}
    assert fates["qnn.conv2d:0"].where == "host"
    assert NOT_WHOLE in fates["qnn.conv2d:0"].why
