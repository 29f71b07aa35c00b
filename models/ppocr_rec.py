# SPDX-License-Identifier: Apache-2.0
"""PaddleOCR's reader of text lines (PP-OCRv4): a CNN, two transformer layers, 6625 characters.

48 × 160 pixels in; out, for each of 20 steps, how likely each character is, the first being none.
The float model is a file in the PyPI wheel rapidocr-onnxruntime (Apache-2.0), of which no code
runs; the characters are in its metadata. Calibrated on pieces of photos and lines of text, judged
on other lines, by the share of characters that are right (1 - edit distance / length).
"""

from __future__ import annotations

import numpy as np
import onnx

from models.labelled import labelled_network
from models.network import Array, FloatArray, Network, Progress, silent
from models.ppocr_cls import PACKAGE
from models.text_images import WORDS, paddle_input, paper, photo_pieces, write
from models.wheels import load_wheel, locate

FILE = "models/ch_PP-OCRv4_rec_infer.onnx"
SIZE = 48, 160
STEPS = 20
SEED = 4
CALIBRATION_IMAGES = 32
TEST_IMAGES = 60


def build(progress: Progress = silent) -> Network:
    """Fix the shapes, calibrate, quantize; the test lines go to `ppocr_rec_test.npz`."""
    progress("reading", 0.0)
    float_model = load_wheel(PACKAGE, FILE, {"x": (1, 3, *SIZE)})
    rng = np.random.default_rng(SEED)
    pieces = [paddle_input(piece) for piece in photo_pieces(rng, CALIBRATION_IMAGES // 4, SIZE)]
    lines, _ = text_lines(rng, CALIBRATION_IMAGES - len(pieces))
    test = text_lines(rng, TEST_IMAGES)
    return labelled_network(float_model, [*pieces, *lines], test, progress)


def text_lines(rng: np.random.Generator, count: int) -> tuple[FloatArray, Array]:
    """A word on light paper each, [N, 3, 48, 160], and its characters [N, 20], filled with 0."""
    codes = {character: code for code, character in enumerate(characters())}
    images, labels = [], np.zeros((count, STEPS), np.int64)
    for label in labels:
        text = str(rng.choice([word for word in WORDS if set(word) <= codes.keys()]))
        text += str(rng.integers(10, 100))
        line = paper(rng, SIZE)
        write(line, text)
        images.append(paddle_input(line))
        label[: len(text)] = [codes[character] for character in text]
    return np.stack(images), labels


def characters() -> list[str]:
    """What the output's classes stand for: none, those of the model's metadata, a space."""
    model = onnx.load(locate(PACKAGE) / FILE)
    (listed,) = (entry.value for entry in model.metadata_props if entry.key == "character")
    return ["", *listed.split("\n"), " "]
