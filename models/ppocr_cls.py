# SPDX-License-Identifier: Apache-2.0
"""A trained network that nobody here wrote: PaddleOCR's text direction classifier.

MobileNetV3-small with squeeze-and-excite, 48 × 192 pixels in, upright or upside down out. The
float model is a file in the PyPI wheel rapidocr-onnxruntime (Apache-2.0), of which no code runs.
It is calibrated on scikit-learn's two photos, half of the pieces with a line of text drawn on
them, and judged on lines of text drawn with Pillow's own font, half of them upside down.
"""

from __future__ import annotations

import numpy as np

from models.labelled import labelled_network
from models.network import Array, FloatArray, Network, Progress, silent
from models.text_images import paddle_input, paper, photo_pieces, phrase, write
from models.wheels import load_wheel

PACKAGE = "rapidocr_onnxruntime"
FILE = "models/ch_ppocr_mobile_v2.0_cls_infer.onnx"
SIZE = 48, 192
SEED = 3
CALIBRATION_IMAGES = 48
TEST_IMAGES = 100


def build(progress: Progress = silent) -> Network:
    """Fix the shapes, calibrate, quantize; the test lines go to `ppocr_cls_test.npz`."""
    progress("reading", 0.0)
    float_model = load_wheel(PACKAGE, FILE, {"x": (1, 3, *SIZE)})
    rng = np.random.default_rng(SEED)
    calibration = [paddle_input(piece) for piece in photo_pieces(rng, CALIBRATION_IMAGES, SIZE)]
    return labelled_network(float_model, calibration, _text_lines(rng, TEST_IMAGES), progress)


def _text_lines(rng: np.random.Generator, count: int) -> tuple[FloatArray, Array]:
    """Dark text on light paper [N, 3, 48, 192], every second upside down, and that as labels."""
    labels = np.arange(count) % 2
    lines = []
    for upside_down in labels:
        line = paper(rng, SIZE)
        write(line, phrase(rng))
        lines.append(paddle_input(line.rotate(180) if upside_down else line))
    return np.stack(lines), labels
