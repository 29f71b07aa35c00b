# SPDX-License-Identifier: Apache-2.0
"""Classification accuracy of a model on the accelerator, beside onnxruntime.

    python -m sim.accuracy MODEL.onnx TEST.npz [--backend model] [--limit N] [--json FILE]

TEST.npz holds stacked inputs under the model's input name, and `labels`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import track

from accel.config import AccelConfig, load_config
from accel.driver import Driver
from accel.errors import ModelError, TesseraError
from codegen.compile import compile_model
from codegen.frontend.onnx_reference import open_session
from sim.backends.open_device import BACKENDS, open_device
from sim.compare import export_and_load, input_names
from sim.session import memory_bytes

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Shares of samples classified as labelled."""

    samples: int
    backend: str
    accelerator: float
    onnxruntime_int8: float
    onnxruntime_float: float | None
    """None without the float model (NAME.float.onnx beside NAME.onnx)."""
    agreement: float
    """Share of samples that accelerator and int8 onnxruntime classify alike."""


def measure(
    model: Path, test: Path, config: AccelConfig, backend: str, limit: int | None, console: Console
) -> Accuracy:
    """Classify the first `limit` samples (all by default) on `backend`.

    Raises:
        ModelError: the test file does not go with the model.
    """
    compiled = compile_model(model, config)
    (name,) = input_names(compiled)
    data = np.load(test)
    if name not in data or "labels" not in data:
        raise ModelError(f"{test}: needs arrays {name} and labels, has {', '.join(data)}")
    inputs, labels = data[name][:limit], data["labels"][:limit]
    artifact = export_and_load(compiled)
    size = memory_bytes(list(compiled.programs.values()))
    found = []
    with open_device(backend, config, memory_bytes=size) as device:
        driver = Driver(device, config)
        for sample in track(inputs, f"classifying on {backend}", console=console):
            outputs, _ = artifact.run(driver, [sample[None]])
            found.append(int(outputs[0].argmax()))
    quantized = _classify(model, name, inputs)
    twin = model.with_name(f"{model.stem}.float.onnx")
    float_share = None
    if twin.is_file():
        float_share = float(np.mean(_classify(twin, name, inputs) == labels))
    return Accuracy(
        len(labels),
        backend,
        float(np.mean(np.array(found) == labels)),
        float(np.mean(quantized == labels)),
        float_share,
        float(np.mean(np.array(found) == quantized)),
    )


def _classify(model: Path, name: str, inputs: FloatArray) -> npt.NDArray[np.int64]:
    session = open_session(model)
    return np.array([session.run(None, {name: sample[None]})[0].argmax() for sample in inputs])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m sim.accuracy", description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("test", type=Path, help=".npz with stacked inputs and labels")
    parser.add_argument("--config", default="default", help="configuration name or TOML file")
    parser.add_argument("--backend", choices=BACKENDS, default="model")
    parser.add_argument("--limit", type=int, default=None, help="only the first N samples")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result as JSON")
    options = parser.parse_args(arguments)
    console = Console(stderr=True)
    try:
        config = load_config(options.config)
        result = measure(
            options.model, options.test, config, options.backend, options.limit, console
        )
    except TesseraError as error:
        console.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        return 2
    if result.onnxruntime_float is not None:
        print(f"float, onnxruntime      {result.onnxruntime_float:8.2%}")
    print(f"int8,  onnxruntime      {result.onnxruntime_int8:8.2%}")
    print(f"int8,  {result.backend:<16} {result.accelerator:8.2%}")
    print(f"{result.agreement:.2%} of {result.samples} samples classified alike")
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(asdict(result), indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
