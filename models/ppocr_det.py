# SPDX-License-Identifier: Apache-2.0
"""PaddleOCR's text detector (PP-OCRv4): a feature pyramid and two transposed convolutions.

160 × 160 pixels in; out, for each pixel, how likely it is part of a line of text. The float model
is a file in the PyPI wheel rapidocr-onnxruntime (Apache-2.0), of which no code runs. Calibrated on
pieces of photos and pages with text, judged on other pages: the share of pixels that are rightly
found inside or outside of the boxes around the lines.
"""

from __future__ import annotations

import numpy as np

from models.labelled import labelled_network
from models.network import Array, FloatArray, Network, Progress, silent
from models.ppocr_cls import PACKAGE
from models.text_images import imagenet_input, paper, photo_pieces, phrase, write
from models.wheels import load_wheel

FILE = "models/ch_PP-OCRv4_det_infer.onnx"
SIZE = 160, 160
SEED = 5
CALIBRATION_IMAGES = 24
TEST_IMAGES = 30


def build(progress: Progress = silent) -> Network:
    """Fix the shapes, calibrate, quantize; the test pages go to `ppocr_det_test.npz`."""
    progress("reading", 0.0)
    float_model = load_wheel(PACKAGE, FILE, {"x": (1, 3, *SIZE)})
    rng = np.random.default_rng(SEED)
    half = CALIBRATION_IMAGES // 2
    pieces = [imagenet_input(p, blue_first=True) for p in photo_pieces(rng, half, SIZE)]
    page_images, _ = pages(rng, CALIBRATION_IMAGES - half)
    test = pages(rng, TEST_IMAGES)
    return labelled_network(float_model, [*pieces, *page_images], test, progress)


def pages(rng: np.random.Generator, count: int) -> tuple[FloatArray, Array]:
    """Light pages with one to three lines, and which pixels are in a line's box [N, 1, H, W]."""
    images = []
    labels = np.zeros((count, 1, *SIZE), np.int64)
    for label in labels:
        page = paper(rng, SIZE)
        for row in rng.permutation(3)[: int(rng.integers(1, 4))]:
            where = float(rng.uniform(0.4, 0.6)), float(row / 3 + rng.uniform(0.12, 0.21))
            left, top, right, bottom = write(page, phrase(rng), where, size=14)
            label[0, max(top, 0) : bottom, max(left, 0) : right] = 1
        images.append(imagenet_input(page, blue_first=True))
    return np.stack(images), labels
