# SPDX-License-Identifier: Apache-2.0
"""A trained network that nobody here wrote: PaddleOCR's text direction classifier.

MobileNetV3-small with squeeze-and-excite, 48 × 192 pixels in, upright or upside down out. The
float model is a file in the PyPI wheel rapidocr-onnxruntime (Apache-2.0), of which no code runs.
It is calibrated on scikit-learn's two photos, half of the pieces with a line of text drawn on
them, and judged on lines of text drawn with Pillow's own font, half of them upside down.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnx
from onnx import version_converter
from PIL import Image, ImageDraw, ImageFont
from sklearn.datasets import load_sample_images

from models.network import Array, BuildError, FloatArray, Network, Progress, silent
from models.onnx_builder import IR_VERSION, OPSET
from models.quantize import accuracy, preprocess, quantize

PACKAGE = "rapidocr_onnxruntime"
FILE = "models/ch_ppocr_mobile_v2.0_cls_infer.onnx"
HEIGHT, WIDTH = 48, 192
SEED = 3
CALIBRATION_IMAGES = 48
TEST_IMAGES = 100
WORDS = (
    "Hello",
    "World",
    "Invoice",
    "total",
    "amount",
    "Main Street",
    "Exit",
    "open",
    "closed",
    "Café",
)


def build(progress: Progress = silent) -> Network:
    """Fix the shapes, calibrate, quantize; the test lines go to `ppocr_cls_test.npz`."""
    progress("reading", 0.0)
    float_model = load_float()
    (name,) = (value.name for value in float_model.graph.input)
    rng = np.random.default_rng(SEED)
    calibration = [{name: image[None]} for image in _photo_pieces(rng, CALIBRATION_IMAGES)]
    progress("quantizing", 0.2)
    model = quantize(float_model, calibration)
    progress("judging", 0.7)
    images, labels = _text_lines(rng, TEST_IMAGES)
    figures = {
        "float_accuracy": accuracy(float_model, name, images, labels),
        "int8_accuracy": accuracy(model, name, images, labels),
        "test_images": len(labels),
    }
    return Network(
        float_model=float_model,
        model=model,
        sample={name: images[:1], "labels": labels[:1]},
        data={"test": {name: images, "labels": labels}},
        figures=figures,
    )


def load_float() -> onnx.ModelProto:
    """The wheel's model at our opset with static shapes, batch 1, batch norms folded."""
    model = onnx.load(_locate())
    (image,), (score,) = model.graph.input, model.graph.output
    _set_shape(image, (1, 3, HEIGHT, WIDTH))
    _set_shape(score, (1, 2))
    model = version_converter.convert_version(model, OPSET)
    model.ir_version = IR_VERSION
    return preprocess(model)


def _locate() -> Path:
    """The file inside the installed package, without importing it."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise BuildError(f"{PACKAGE} is not installed; `make setup` does it")
    return Path(spec.origin).parent / FILE


def _set_shape(value: onnx.ValueInfoProto, shape: tuple[int, ...]) -> None:
    for dim, size in zip(value.type.tensor_type.shape.dim, shape, strict=True):
        dim.dim_value = size


def _photo_pieces(rng: np.random.Generator, count: int) -> Iterator[FloatArray]:
    """Random pieces of the photos, of many sizes; every second with text."""
    photos: list[Array] = load_sample_images().images
    for number in range(count):
        photo = photos[number // 2 % len(photos)]
        height = int(rng.integers(HEIGHT // 2, 3 * HEIGHT))
        width = height * WIDTH // HEIGHT
        top = int(rng.integers(photo.shape[0] - height))
        left = int(rng.integers(photo.shape[1] - width))
        piece = Image.fromarray(photo[top : top + height, left : left + width])
        piece = piece.resize((WIDTH, HEIGHT))
        yield _normalize(_write(rng, piece) if number % 2 else piece)


def _text_lines(rng: np.random.Generator, count: int) -> tuple[FloatArray, Array]:
    """Dark text on light paper [N, 3, 48, 192], every second upside down, and that as labels."""
    labels = np.arange(count) % 2
    lines = []
    for upside_down in labels:
        paper = Image.new("RGB", (WIDTH, HEIGHT), (int(rng.integers(160, 256)),) * 3)
        line = _write(rng, paper)
        lines.append(_normalize(line.rotate(180) if upside_down else line))
    return np.stack(lines), labels


def _write(rng: np.random.Generator, paper: Image.Image) -> Image.Image:
    """Two words in the middle, dark on light or light on dark."""
    text = " ".join(rng.choice(WORDS, 2))
    ink = "black" if np.asarray(paper).mean() > 128 else "white"
    font = ImageFont.load_default(size=26)
    middle = (WIDTH / 2, HEIGHT / 2)
    ImageDraw.Draw(paper).text(middle, text, fill=ink, font=font, anchor="mm")
    return paper


def _normalize(image: Image.Image) -> FloatArray:
    """[3, 48, 192] in -1 to 1, blue first, as PaddleOCR wants it."""
    blue_first = np.asarray(image, np.float32)[:, :, ::-1]
    return np.ascontiguousarray(((blue_first / 255 - 0.5) / 0.5).transpose(2, 0, 1))
