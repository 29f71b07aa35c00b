# SPDX-License-Identifier: Apache-2.0
"""Google's detector of file types, trained: 1024 bytes of each end in, 214 types out.

The float model is a file in the PyPI wheel magika (Apache-2.0), of which no code runs. A one-hot
product, GELU, layer norms, a convolution of five bytes, a maximum over all positions. Calibrated
and judged on files of packages that we install anyway, whose suffix says what they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper

from models.labelled import labelled_network
from models.network import Array, BuildError, Network, Progress, silent
from models.quantize import Quantization
from models.wheels import locate, standardize

PACKAGE = "magika"
FOLDER = Path("models/standard_v3_3")
INPUT = "bytes"
END, BLOCK, PADDING = 1024, 4096, 256
"""Bytes of each end; bytes that are read for it; what fills it up."""
NORM = "LayerNorm"
"""In the names of nodes that compute sums of squares, which 8 bits cannot hold."""
CALIBRATION_SHARE = 4
"""Every so many files are for calibration."""
FILES_OF_A_TYPE = 6
SMALLEST = 64
SOURCES = ("matplotlib", "numpy", "onnx", "sklearn")
TYPES = {
    "afm": "txt",
    "c": "c",
    "css": "css",
    "csv": "csv",
    "f90": "fortran",
    "gz": "gzip",
    "html": "html",
    "jpg": "jpeg",
    "js": "javascript",
    "json": "json",
    "md": "markdown",
    "npy": "npy",
    "npz": "npz",
    "onnx": "onnx",
    "pdf": "pdf",
    "png": "png",
    "proto": "proto",
    "py": "python",
    "rst": "rst",
    "svg": "svg",
    "ttf": "ttf",
    "txt": "txt",
    "ts": "typescript",
    "wav": "wav",
}
"""Suffix -> the model's name for it."""

Bytes = npt.NDArray[np.int32]


def build(progress: Progress = silent) -> Network:
    """Fix the shapes, calibrate, quantize; the test files go to `magika_test.npz`."""
    progress("reading", 0.0)
    float_model = load_float()
    samples, labels = labelled_files()
    chosen = np.arange(len(labels)) % CALIBRATION_SHARE == 0
    norms = tuple(node.name for node in float_model.graph.node if NORM in node.name)
    return labelled_network(
        float_model,
        samples[chosen],
        (samples[~chosen], labels[~chosen]),
        progress,
        how=Quantization(keep_float=norms),
        unit="files",
    )


def load_float() -> onnx.ModelProto:
    """The wheel's model for one file; its softmax, spelled out in ten nodes, is one."""
    model = onnx.load(locate(PACKAGE) / FOLDER / "model.onnx")
    graph = model.graph
    makers = {output: index for index, node in enumerate(graph.node) for output in node.output}
    maximum = next(node for node in graph.node if node.op_type == "ReduceMax")
    first = makers[maximum.output[0]]
    del graph.node[first:]
    logits, output = maximum.input[0], graph.output[0].name
    graph.node.append(helper.make_node("Softmax", [logits], [output], name="softmax", axis=-1))
    used = {value for node in graph.node for value in node.input}
    weights = [weight for weight in graph.initializer if weight.name in used]
    del graph.initializer[:]
    graph.initializer.extend(weights)
    kept = [o for o in model.opset_import if o.domain == ""]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    return standardize(model, {INPUT: (1, 2 * END)})


def labelled_files() -> tuple[Bytes, Array]:
    """Files [N, 2048] and their types; those of a type are apart, so any part has most types."""
    config = json.loads((locate(PACKAGE) / FOLDER / "config.min.json").read_text(encoding="utf-8"))
    codes = {name: code for code, name in enumerate(config["target_labels_space"])}
    found = [
        (rank, suffix, path)
        for suffix in TYPES
        for rank, path in enumerate(_spread(list(_files(suffix)), FILES_OF_A_TYPE))
    ]
    if not found:
        raise BuildError(f"no files of known types in {', '.join(SOURCES)}")
    ordered = sorted(found, key=lambda entry: entry[:2])
    samples = np.stack([features(path.read_bytes()) for _, _, path in ordered])
    return samples, np.array([codes[TYPES[suffix]] for _, suffix, _ in ordered])


def features(content: bytes) -> Bytes:
    """Both ends of a file without white space around, as magika takes them."""
    start = content[:BLOCK].lstrip()
    stop = content[-BLOCK:].rstrip()
    if len(content) <= BLOCK:
        start, stop = start.rstrip(), stop.lstrip()
    found = np.full(2 * END, PADDING, np.int32)
    head, tail = np.frombuffer(start[:END], np.uint8), np.frombuffer(stop[-END:], np.uint8)
    found[: len(head)] = head
    found[len(found) - len(tail) :] = tail
    return found


def _files(suffix: str) -> Iterator[Path]:
    """In an order that does not depend on the file system."""
    for package in SOURCES:
        folder = locate(package)
        for path in sorted(folder.rglob(f"*.{suffix}"), key=lambda p: p.relative_to(folder).parts):
            if path.is_file() and path.stat().st_size >= SMALLEST:
                yield path


def _spread(paths: list[Path], count: int) -> list[Path]:
    """So many of them, evenly."""
    if len(paths) <= count:
        return paths
    return [paths[index * len(paths) // count] for index in range(count)]
