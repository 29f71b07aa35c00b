# SPDX-License-Identifier: Apache-2.0
"""Task accuracy of a model on the accelerator, beside onnxruntime.

    python -m sim.accuracy MODEL.onnx TEST.npz [--backend model] [--limit N] [--json FILE]

TEST.npz holds stacked inputs under the model's input name, and `labels`: classes, sequences or
masks (scoring.py).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from accel.config import AccelConfig, load_config
from accel.driver import Driver
from accel.errors import ModelError, TesseraError
from codegen.compile import Compiled, compile_model
from codegen.frontend.onnx_reference import open_session
from sim.backends.open_device import BACKENDS, open_device
from sim.compare import Artifact, export_and_load, input_names
from sim.scoring import Array, decide, same, share
from sim.session import memory_bytes


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Shares of what is labelled (samples; characters of sequences; pixels of masks)."""

    samples: int
    backend: str
    accelerator: float
    onnxruntime_int8: float
    onnxruntime_float: float | None
    """None without the float model (NAME.float.onnx beside NAME.onnx)."""
    agreement: float
    """Share of samples for which accelerator and int8 onnxruntime decide alike."""


def measure(
    model: Path, test: Path, config: AccelConfig, backend: str, limit: int | None, console: Console
) -> Accuracy:
    """Judge the first `limit` samples (all by default) on `backend`.

    Raises:
        ModelError: the test file does not go with the model.
    """
    compiled = compile_model(model, config)
    artifact = export_and_load(compiled)

    def advance(samples: Sequence[Array]) -> Iterable[Array]:
        return track(samples, f"classifying on {backend}", console=console)

    return judge(model, test, compiled, artifact, config, backend, limit, advance)


def judge(
    model: Path,
    test: Path,
    compiled: Compiled,
    artifact: Artifact,
    config: AccelConfig,
    backend: str = "model",
    limit: int | None = None,
    advance: Callable[[Sequence[Array]], Iterable[Array]] = iter,
) -> Accuracy:
    """The same for a model that is compiled already.

    Args:
        model: its ONNX file.
        test: stacked inputs and labels.
        compiled: the model.
        artifact: exported from it.
        config: the hardware.
        backend: what the samples run on.
        limit: number of samples; None: all.
        advance: gives the samples one by one, and may show how far that is.

    Raises:
        ModelError: the test file does not go with the model.
    """
    (name,) = input_names(compiled)
    with np.load(test) as data:
        if name not in data or "labels" not in data:
            raise ModelError(f"{test}: needs arrays {name} and labels, has {', '.join(data)}")
        inputs, labels = data[name][:limit], data["labels"][:limit]
    size = memory_bytes(list(compiled.programs.values()))
    found = []
    with open_device(backend, config, memory_bytes=size) as device:
        driver = Driver(device, config)
        for sample, label in zip(advance(inputs), labels, strict=True):
            outputs, _ = artifact.run(driver, [sample[None]])
            found.append(decide(outputs[0], label))
    quantized = _decisions(model, name, inputs, labels)
    twin = model.with_name(f"{model.stem}.float.onnx")
    float_share = None
    if twin.is_file():
        float_share = share(_decisions(twin, name, inputs, labels), labels)
    return Accuracy(
        len(labels),
        backend,
        share(found, labels),
        share(quantized, labels),
        float_share,
        float(np.mean([same(a, b) for a, b in zip(found, quantized, strict=True)])),
    )


def _decisions(model: Path, name: str, inputs: Array, labels: Array) -> list[Array]:
    session = open_session(model)
    return [
        decide(session.run(None, {name: sample[None]})[0], label)
        for sample, label in zip(inputs, labels, strict=True)
    ]


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
    print(f"{result.agreement:.2%} of {result.samples} samples decided alike")
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(asdict(result), indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
