# SPDX-License-Identifier: Apache-2.0
"""Every bad input gives one clear message, a non-zero exit, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from accel.codec import Instruction, decode, encode
from accel.config import AccelConfig
from accel.device import Device
from accel.driver import Driver
from accel.errors import CommandError
from accel.isa import Cause
from accel.program import Program
from codegen.compile import compile_model
from codegen.compile import main as compile_main
from sim.backends.open_device import open_device
from tests.e2e.small_models import Net

CONFIG = AccelConfig()


def refuse(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Message of a compilation that must fail as a user's mistake."""
    assert compile_main([*arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    assert captured.err.strip().startswith("error: ")
    return " ".join(captured.err.split())


def small_net() -> Net:
    net = Net((1, 4, 8, 8))
    net.conv(4, 8)
    return net


def test_no_such_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert "nothing.onnx: no such file" in refuse(capsys, "nothing.onnx")


def test_not_an_onnx_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "text.onnx"
    path.write_text("this is no model")
    assert "text.onnx: not a valid ONNX model" in refuse(capsys, str(path))


def test_unsupported_opset(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = small_net().save(tmp_path / "old.onnx", opset=9)
    message = refuse(capsys, str(path))
    assert "opset 9 is not supported, only 10 to 25; convert it with" in message


def test_dynamic_shape(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = small_net().save(tmp_path / "dynamic.onnx", batch="N")
    message = refuse(capsys, str(path))
    assert "input x has the dynamic shape ['N', 4, 8, 8]" in message
    assert "make_dynamic_shape_fixed" in message


def test_float_model(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    message = refuse(capsys, str(small_net().save(tmp_path / "float.onnx")))
    assert "a float model, nothing in it is quantized" in message
    assert "quantize_static" in message


def test_unknown_configuration(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = small_net().quantized(tmp_path / "net.onnx")
    message = refuse(capsys, str(path), "--config", "huge")
    assert "no configuration huge; named ones are: default" in message


def test_nothing_to_offload_is_a_warning(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    net = Net((1, 8))
    net.node("Softmax", axis=1)
    path = net.quantized(tmp_path / "softmax.onnx")
    status = compile_main([str(path), "-o", str(tmp_path)])
    captured = capsys.readouterr()
    assert status == 0
    assert "warning: nothing can be offloaded: the whole model runs on the host" in " ".join(
        captured.err.split()
    )
    assert (tmp_path / "softmax.so").is_file()


def test_a_layer_too_large_stays_on_the_host_with_the_remedy(tmp_path: Path) -> None:
    """One output row of this layer does not fit 4 KiB of activation SRAM."""
    net = Net((1, 64, 4, 64))
    net.conv(64, 16)
    path = net.quantized(tmp_path / "wide.onnx")
    compiled = compile_model(path, replace(CONFIG, act_kib=4))
    assert compiled.programs == {}
    (fate,) = (node for node in compiled.explanation.nodes if node.op == "Conv")
    assert fate.where == "host"
    assert fate.refusal is not None
    assert fate.refusal.rule == "output_row_fits_the_activation_sram"
    assert "one output row needs" in fate.refusal.detail
    assert fate.refusal.remedy == "set act_kib = 16 (now 4) in the configuration"
    assert fate.why == str(fate.refusal)
    assert compile_model(path, replace(CONFIG, act_kib=8)).programs == {}
    assert compile_model(path, replace(CONFIG, act_kib=16)).explanation.offloaded_macs


@pytest.fixture(scope="module", params=["model", "verilator"])
def device(request: pytest.FixtureRequest) -> Iterator[Device]:
    with open_device(request.param, CONFIG, checks=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def program(network: Callable[[str], Path]) -> Program:
    return compile_model(network("digits"), CONFIG).programs["tessera_0"]


def broken(program: Program, name: str, **values: int) -> tuple[Program, int]:
    """The program with fields of its first command `name` changed, and that command's id."""
    words = program.words.copy()
    index = next(i for i, row in enumerate(words) if decode(row).name == name)
    fields = {**decode(words[index]).values, **values}
    words[index] = encode(Instruction(name, fields))
    return replace(program, words=words), index


@pytest.mark.parametrize(
    ("name", "values", "cause"),
    [
        ("LOAD", {"row_bytes": 0}, Cause.FIELD),
        ("LOAD", {"window": 2, "offset": 1 << 20}, Cause.WINDOW),
        ("LOAD", {"sram_addr": CONFIG.act_bytes}, Cause.SRAM_RANGE),
        ("STORE", {"window": 0}, Cause.WINDOW),
        ("STORE", {"sram_addr": CONFIG.act_bytes}, Cause.SRAM_RANGE),
        ("CONV", {"kernel_w": 0}, Cause.FIELD),
        ("CONV", {"mode": 3}, Cause.FIELD),
        ("CONV", {"in_addr": CONFIG.act_bytes}, Cause.SRAM_RANGE),
        ("CONV", {"weight_addr": CONFIG.weight_bytes}, Cause.SRAM_RANGE),
        ("CONV", {"param_addr": CONFIG.param_bytes}, Cause.SRAM_RANGE),
        ("CONV", {"out_addr": CONFIG.act_bytes}, Cause.SRAM_RANGE),
        ("POOL", {"stride_x": 0}, Cause.FIELD),
        ("POOL", {"out_addr": CONFIG.act_bytes}, Cause.SRAM_RANGE),
        ("CONV", {"wait_store": 9}, Cause.TOKEN),
    ],
)
def test_malformed_command(
    device: Device, program: Program, name: str, values: dict[str, int], cause: Cause
) -> None:
    """Model and RTL name the same cause and command; after a reset the device works again."""
    driver = Driver(device, CONFIG)
    bad, index = broken(program, name, **values)
    data = [np.zeros(program.inputs[0].host_shape, np.int8)]
    with pytest.raises(CommandError) as caught:
        driver.run(bad, data)
    assert (caught.value.cause, caught.value.command) == (cause, index)
    assert f"command #{index} {name}" in str(caught.value)
    assert "(ONNX node " in str(caught.value)
    driver.reset()
    driver.run(program, data)


def test_unknown_opcode(device: Device, program: Program) -> None:
    driver = Driver(device, CONFIG)
    words = program.words.copy()
    words[3, 0] |= 0xFF
    data = [np.zeros(program.inputs[0].host_shape, np.int8)]
    with pytest.raises(CommandError, match="stopped: OPCODE") as caught:
        driver.run(replace(program, words=words), data)
    assert caught.value.command == 3
    driver.reset()
    driver.run(program, data)
