# SPDX-License-Identifier: Apache-2.0
"""TFLite networks: every bit that of TFLite-Micro's own interpreter, on model and RTL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from tflite_micro.python.tflite_micro import runtime

from accel.config import AccelConfig, load_config
from accel.driver import Driver
from accel.isa import Rounding
from codegen import ir
from codegen.choices import Choices
from codegen.compile import Compiled, compile_model
from codegen.listing import listing
from sim.backends.open_device import open_device
from sim.compare import difference, export_and_load, run_host
from sim.run import main
from tests.e2e.small_models import mixed_net
from tests.e2e.tflite_models import (
    RELU,
    RELU6,
    SAME,
    VALID,
    TfliteNet,
    autoencoder,
    cnn,
)

Array = npt.NDArray[np.int8]
MEMORY = 1 << 24


def mobile(seed: int = 2) -> bytes:
    """Inverted residuals, as MobileNetV2 has them; per-tensor weights in between."""
    net = TfliteNet((1, 16, 16, 8), seed)
    x = net.conv(net.input, 8, stride=2, activation=RELU6)
    for stride in (1, 2):
        y = net.conv(x, 32, 1, activation=RELU6)
        y = net.conv(y, 32, stride=stride, depthwise=True, activation=RELU6)
        y = net.conv(y, 8, 1, per_channel=stride == 2)
        x = net.binary("Add", x, y) if stride == 1 else y
    x = net.conv(net.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)]), 16, padding=VALID)
    return net.to_bytes(net.dense(net.reshape(x, (1, 256)), 12, RELU))


def elements(seed: int = 3) -> bytes:
    """Sums, differences, products, changes of scale, pools of odd sizes."""
    net = TfliteNet((2, 9, 9, 16), seed)
    a = net.conv(net.input, 16, 1)
    b = net.binary("Sub", a, net.input)
    c = net.binary("Mul", b, a, RELU)
    d = net.unary("QUANTIZE", c, c.scale * 0.6, 11)
    e = net.pool("AVERAGE", net.binary("Add", d, net.input), 3, 2, SAME)
    f = net.unary("RELU", e, e.scale * 0.8, -128)
    g = net.conv(net.pool("MAX", f, 2, 1, SAME), 8, 1)
    return net.to_bytes(net.mean(g, keep=True, factor=0.7))


NETWORKS: dict[str, Callable[[int], bytes]] = {
    "cnn": cnn,
    "autoencoder": autoencoder,
    "mobile": mobile,
    "elements": elements,
}


def written(folder: Path, data: bytes) -> Path:
    path = folder / "net.tflite"
    path.write_bytes(data)
    return path


def micro(data: bytes, x: Array) -> Array:
    interpreter = runtime.Interpreter.from_bytes(data)
    interpreter.set_input(x, 0)
    interpreter.invoke()
    return np.asarray(interpreter.get_output(0), np.int8)


def random_input(data: bytes, seed: int) -> Array:
    shape = runtime.Interpreter.from_bytes(data).get_input_details(0)["shape"]
    return np.random.default_rng(seed).integers(-128, 128, shape).astype(np.int8)


def on(backend: str, compiled: Compiled, config: AccelConfig, x: Array) -> Array:
    device = open_device(backend, config, memory_bytes=MEMORY)
    with device:
        outputs, calls = export_and_load(compiled).run(Driver(device, config), [x])
    assert len(calls) == 1
    return np.asarray(outputs[0])


def distinct(values: Array) -> int:
    return int(np.unique(values).size)


@pytest.mark.parametrize(("name", "seed"), [(name, seed) for seed, name in enumerate(NETWORKS)])
def test_every_bit_is_that_of_tflite_micro(tmp_path: Path, name: str, seed: int) -> None:
    config, data = load_config("default"), NETWORKS[name](seed)
    compiled = compile_model(written(tmp_path, data), config)
    assert {node.where for node in compiled.explanation.nodes} <= {"accelerator", "absorbed"}
    x = random_input(data, seed)
    golden = micro(data, x)
    assert distinct(golden) > 4
    assert difference([run_host(compiled.integer, [x])[0]], [golden]).same
    assert difference([on("model", compiled, config, x)], [golden]).same


@pytest.mark.parametrize("name", ["cnn", "elements"])
def test_rtl_is_tflite_micro_too(tmp_path: Path, name: str) -> None:
    config, data = load_config("default"), NETWORKS[name](5)
    compiled = compile_model(written(tmp_path, data), config)
    x = random_input(data, 5)
    assert difference([on("verilator", compiled, config, x)], [micro(data, x)]).same


def test_the_rule_is_chosen_per_artifact(tmp_path: Path) -> None:
    """With one rounding the network differs from TFLite-Micro, and still agrees with itself."""
    config, data = load_config("default"), cnn(0)
    path = written(tmp_path, data)
    single = compile_model(path, config, Choices(rounding=Rounding.SINGLE))
    double = compile_model(path, config)
    assert (single.rounding, double.rounding) == (Rounding.SINGLE, Rounding.DOUBLE)
    differ = 0
    for seed in range(4):
        x = random_input(data, seed)
        golden = run_host(single.integer, [x])[0]
        assert difference([on("model", single, config, x)], [golden]).same
        differ += difference([golden], [micro(data, x)]).mismatched
    assert differ > 0


def test_sums_that_round_twice_run_on_the_vector_unit(tmp_path: Path) -> None:
    path = written(tmp_path, cnn())
    for rounding in Rounding:
        compiled = compile_model(path, load_config("default"), Choices(rounding=rounding))
        program = next(iter(compiled.programs.values()))
        assert (" ADD " in listing(program)) == (rounding == Rounding.DOUBLE)


def test_onnx_with_two_roundings(tmp_path: Path) -> None:
    """A rule of ours for ONNX files too: model and TVM's host agree, float form within one step."""
    config, net = load_config("default"), mixed_net()
    choices = Choices(rounding=Rounding.DOUBLE)
    compiled = compile_model(net.quantized(tmp_path / "n.onnx"), config, choices)
    ops = [op for graph in compiled.graphs.values() for op in graph.ops]
    convs = [op for op in ops if isinstance(op, ir.Conv)]
    assert convs
    assert all(op.requant.rounding == Rounding.DOUBLE for op in convs)
    x = np.random.default_rng(5).normal(0, 1, net.shape).astype(np.float32)
    golden = run_host(compiled.integer, [x])
    device = open_device("model", config, memory_bytes=MEMORY)
    with device:
        outputs, _ = export_and_load(compiled).run(Driver(device, config), [x])
    assert difference(outputs, golden).same


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, cnn())
    assert main([str(path), "--backend", "model"]) == 0
    shown = capsys.readouterr().out
    assert "DEPTHWISE_CONV_2D_5" in shown
    assert "(100.0%) on the accelerator" in shown
    assert "integer form against TFLite-Micro: 0 of 10 elements differ" in shown
    assert main([str(path), "--backend", "model", "--rounding", "single"]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["net.tflite", "--calibrate", "x.npz"], "--calibrate takes a float ONNX model"),
        (["net.bin", "--rounding", "double"], "--rounding: what is compiled already has its rule"),
    ],
)
def test_options_that_do_not_apply(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    name, *options = arguments
    path = tmp_path / name
    path.write_bytes(autoencoder())
    assert main([str(path), "--backend", "model", *options]) == 2
    assert message in capsys.readouterr().err
