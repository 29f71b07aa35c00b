# SPDX-License-Identifier: Apache-2.0
"""PT2E-quantized models of PyTorch, with PyTorch installed: `make test-torch`.

The modules below are written as `convert_pt2e` writes them, so torchao is not needed. No name that
pytest looks for: without PyTorch the default run would fail here, and must not skip.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.ao.quantization.fx import _decomposed  # noqa: F401 (registers the ops)

from accel.config import load_config
from accel.driver import Driver
from accel.errors import ModelError
from codegen.compile import compile_model
from codegen.frontend.onnx_import import import_onnx
from sim.backends.open_device import open_device
from sim.compare import difference, export_and_load, run_host
from sim.run import main

pytestmark = pytest.mark.filterwarnings("ignore")

OPS = torch.ops.quantized_decomposed
WHOLE = (-128, 127, torch.int8)


def requantized(x: torch.Tensor, scale: float, zero: int) -> torch.Tensor:
    """Through int8 and back."""
    return OPS.dequantize_per_tensor(
        OPS.quantize_per_tensor(x, scale, zero, *WHOLE), scale, zero, *WHOLE
    )


class Weight(torch.nn.Module):
    """int8 values with a scale per output channel."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.register_buffer("values", torch.randint(-127, 128, shape, dtype=torch.int8))
        self.register_buffer("scales", torch.rand(shape[0]) * 0.01 + 0.002)
        self.register_buffer("zeros", torch.zeros(shape[0], dtype=torch.int64))

    def forward(self) -> torch.Tensor:
        parameters = self.scales, self.zeros, 0, -127, 127, torch.int8
        return OPS.dequantize_per_channel(self.values, *parameters)


class Net(torch.nn.Module):
    """conv, residual, depthwise, pools, linear."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.first, self.second = Weight(16, 3, 3, 3), Weight(16, 16, 3, 3)
        self.depthwise, self.dense = Weight(16, 1, 3, 3), Weight(10, 16)
        self.biases = torch.nn.ParameterList([torch.randn(n) for n in (16, 16, 16, 10)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        conv, b = torch.nn.functional.conv2d, self.biases
        x = requantized(x, 0.03, -8)
        x = requantized(torch.relu(conv(x, self.first(), b[0], padding=1)), 0.05, -128)
        y = requantized(conv(x, self.second(), b[1], padding=1), 0.2, 5)
        x = requantized(torch.relu(x + y), 0.15, -128)
        x = requantized(torch.nn.functional.max_pool2d(x, 2), 0.15, -128)
        x = requantized(conv(x, self.depthwise(), b[2], padding=1, groups=16), 0.3, 7)
        x = requantized(torch.nn.functional.adaptive_avg_pool2d(x, 1), 0.1, 1)
        x = torch.flatten(x, 1)
        return requantized(torch.nn.functional.linear(x, self.dense(), b[3]), 0.05, 0)


def saved(folder: Path, net: torch.nn.Module, *shape: int) -> Path:
    path = folder / "net.pt2"
    torch.export.save(torch.export.export(net.eval(), (torch.randn(shape),)), str(path))
    return path


def test_network(tmp_path: Path) -> None:
    """All products offloaded; model, TVM's host and PyTorch agree."""
    config = load_config("default")
    compiled = compile_model(saved(tmp_path, Net(), 1, 3, 12, 12), config)
    x = np.random.default_rng(1).normal(0, 1, (1, 3, 12, 12)).astype(np.float32)
    golden = run_host(compiled.integer, [x])
    device = open_device("model", config, memory_bytes=1 << 24)
    with device:
        outputs, calls = export_and_load(compiled).run(Driver(device, config), [x])
    assert len(calls) == 1
    assert difference(outputs, golden).same
    assert compiled.imported.torch is not None
    apart = difference(golden, compiled.imported.torch([x]))
    assert apart.largest <= 0.0501
    assert np.unique(golden[0]).size > 4
    on_accelerator = {n.op for n in compiled.explanation.nodes if n.where == "accelerator"}
    assert {"convolution.default", "addmm.default", "mean.dim"} <= on_accelerator


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(saved(tmp_path, Net(), 1, 3, 8, 8)), "--backend", "model"]) == 0
    shown = capsys.readouterr().out
    assert "integer form against PyTorch" in shown
    assert "(100.0%) on the accelerator" in shown


def test_float_models_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, torch.nn.Conv2d(3, 4, 3), 1, 3, 8, 8)
    with pytest.raises(ModelError, match="nothing in it is quantized"):
        import_onnx(path)


class Narrow(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return OPS.dequantize_per_tensor(
            OPS.quantize_per_tensor(x, 0.1, 0, -127, 127, torch.int8), 0.1, 0, -127, 127, torch.int8
        )


def test_narrow_ranges_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="quantize_per_tensor uses -127 to 127 of int8"):
        import_onnx(saved(tmp_path, Narrow(), 1, 4))


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.pt2"
    path.write_bytes(b"nothing")
    with pytest.raises(ModelError, match="not an exported program"):
        import_onnx(path)
