# SPDX-License-Identifier: Apache-2.0
"""`--calibrate`: a float model and samples give a quantized model, or one clear message."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import numpy_helper

from codegen.compile import main as compile_main
from sim.compare import run_onnxruntime
from sim.run import main as run_main
from tests.e2e.small_models import Net

SHAPE = (2, 4, 8, 8)
RANDOM = np.random.default_rng(1)


def float_model(folder: Path, opset: int = 17) -> Path:
    net = Net(SHAPE)
    net.conv(4, 8)
    net.node("Relu")
    net.node("GlobalAveragePool")
    return net.save(folder / "net.float.onnx", opset=opset)


def samples(count: int, shape: tuple[int, ...] = SHAPE) -> npt.NDArray[np.float32]:
    return RANDOM.normal(0, 1, (count * shape[0], *shape[1:])).astype(np.float32)


def zero_points(path: Path) -> dict[str, npt.NDArray[np.generic]]:
    """Initializers of zero points by name."""
    found = {t.name: numpy_helper.to_array(t) for t in onnx.load(str(path)).graph.initializer}
    return {name: value for name, value in found.items() if "zero_point" in name}


@pytest.mark.parametrize("opset", [11, 17])
def test_quantized_model_is_compiled_and_kept(tmp_path: Path, opset: int) -> None:
    model = float_model(tmp_path, opset)
    np.savez(tmp_path / "data.npz", x=samples(5), labels=np.zeros(5))
    data = str(tmp_path / "data.npz")
    arguments = ["--calibrate", data, "-o", str(tmp_path), "--emit", "report"]
    assert compile_main([str(model), *arguments]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "data.npz",
        "net.float.onnx",
        "net.float.report.html",
        "net.float.report.json",
        "net.int8.onnx",
    ]
    assert '"where": "accelerator"' in (tmp_path / "net.float.report.json").read_text()
    x = samples(1)
    (exact,) = run_onnxruntime(model.read_bytes(), {"x": x})
    (close,) = run_onnxruntime((tmp_path / "net.int8.onnx").read_bytes(), {"x": x})
    assert 0 < np.abs(exact - close).max() < 0.05 * np.abs(exact).max()


def test_options_reach_the_quantizer(tmp_path: Path) -> None:
    model = float_model(tmp_path)
    for name in "ab":
        np.savez(tmp_path / f"{name}.npz", x=samples(3) + 1)
    arguments = ["--calibrate", str(tmp_path), "-o", str(tmp_path), "--emit", "report"]

    def quantize(*options: str) -> dict[str, npt.NDArray[np.generic]]:
        assert compile_main([str(model), *arguments, *options]) == 0
        return zero_points(tmp_path / "net.int8.onnx")

    usual = quantize()
    assert usual["x_zero_point"].dtype == np.int8
    assert usual["x_zero_point"] != 0
    assert usual["w0_zero_point"].shape == (8,)
    other = quantize("--activations", "uint8", "--symmetric", "--per-tensor")
    assert other["x_zero_point"].dtype == np.uint8
    assert other["x_zero_point"] == 128
    assert other["w0_zero_point"].shape == ()
    narrow = quantize("--calibration", "percentile")
    assert narrow["x_zero_point"].dtype == np.int8


def test_run_takes_it_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = float_model(tmp_path)
    np.savez(tmp_path / "data.npz", x=samples(2))
    monkeypatch.chdir(tmp_path)
    status = run_main([str(model), "--calibrate", "data.npz", "--backend", "model"])
    assert status == 0
    assert capsys.readouterr().out.strip().splitlines()[-1].startswith("PASS ")
    assert (tmp_path / "build" / "net.int8.onnx").is_file()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"y": samples(1)}, "has no array x, an input of the model; it has y"),
        ({"x": samples(1)[:, :3]}, "x is float32 [2, 3, 8, 8], the model takes float32 [2, 4, 8,"),
        ({"x": samples(1)[:1]}, "x is float32 [1, 4, 8, 8], the model takes"),
        ({"x": samples(0)}, "x is float32 [0, 4, 8, 8], the model takes"),
        ({"x": samples(1).astype(np.float64)}, "x is float64 [2, 4, 8, 8], the model takes"),
        ({"x": samples(1) * np.float32(np.nan)}, "x holds NaN or infinity"),
    ],
    ids=["missing", "channels", "batch", "none", "dtype", "nan"],
)
def test_bad_samples(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arrays: dict[str, npt.NDArray[np.generic]],
    message: str,
) -> None:
    np.savez(tmp_path / "data.npz", **arrays)  # type: ignore[arg-type]
    assert message in refuse(capsys, float_model(tmp_path), tmp_path / "data.npz")


def test_bad_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = float_model(tmp_path)
    assert "not a readable .npz file" in refuse(capsys, model, tmp_path / "nothing.npz")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "no .npz file in this folder" in refuse(capsys, model, empty)
    np.savez(tmp_path / "data.npz", x=samples(1))
    quantized = small_quantized(tmp_path)
    assert "this one is quantized already" in refuse(capsys, quantized, tmp_path / "data.npz")


def small_quantized(folder: Path) -> Path:
    net = Net(SHAPE)
    net.conv(4, 8)
    return net.quantized(folder / "ready.onnx")


def test_options_without_samples(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compile_main([str(float_model(tmp_path)), "--symmetric"]) == 2
    assert "error: --symmetric needs --calibrate" in capsys.readouterr().err


def test_a_model_that_the_quantizer_breaks_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("Quantization parameters are not specified for param t.\nmore")

    monkeypatch.setattr("codegen.frontend.quantize.quantize_static", fail)
    np.savez(tmp_path / "data.npz", x=samples(1))
    message = refuse(capsys, float_model(tmp_path), tmp_path / "data.npz")
    assert "onnxruntime cannot quantize this model: Quantization parameters are not" in message


def refuse(capsys: pytest.CaptureFixture[str], model: Path, data: Path) -> str:
    """Message of a command that must fail and write nothing."""
    target = model.parent / "out"
    assert compile_main([str(model), "--calibrate", str(data), "-o", str(target)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert not target.exists()
    return " ".join(captured.err.split())
