# SPDX-License-Identifier: Apache-2.0
"""A trained network that nobody here wrote: PaddleOCR's text direction classifier.

MobileNetV3-small with squeeze-and-excite, 48 × 192 pixels in, upright or upside down out. The
float model is a file in the PyPI wheel rapidocr-onnxruntime (Apache-2.0), of which no code runs.
It is calibrated on scikit-learn's two photos, half of the pieces with a line of text drawn on
them, and judged on lines of text drawn with Pillow's own font, half of them upside down.
"""

from __future__ import annotations

import numpy as np
import onnx

from models.network import Array, FloatArray, Network, Progress, silent
from models.quantize import accuracy, quantize
from models.text_images import paddle_input, paper, photo_pieces, phrase, write
from models.wheels import load_wheel

PACKAGE = "rapidocr_onnxruntime"
FILE = "models/ch_ppocr_mobile_v2.0_cls_infer.onnx"
HEIGHT, WIDTH = 48, 192
SEED = 3
CALIBRATION_IMAGES = 48
TEST_IMAGES = 100


def build(progress: Progress = silent) -> Network:
    """Fix the shapes, calibrate, quantize; the test lines go to `ppocr_cls_test.npz`."""
    progress("reading", 0.0)
    float_model = load_float()
    (name,) = (value.name for value in float_model.graph.input)
    rng = np.random.default_rng(SEED)
    calibration = [
        {name: paddle_input(piece)[None]}
        for piece in photo_pieces(rng, CALIBRATION_IMAGES, (HEIGHT, WIDTH))
    ]
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
    return load_wheel(PACKAGE, FILE, {"x": (1, 3, HEIGHT, WIDTH)})


def _text_lines(rng: np.random.Generator, count: int) -> tuple[FloatArray, Array]:
    """Dark text on light paper [N, 3, 48, 192], every second upside down, and that as labels."""
    labels = np.arange(count) % 2
    lines = []
    for upside_down in labels:
        line = paper(rng, (HEIGHT, WIDTH))
        write(line, phrase(rng))
        lines.append(paddle_input(line.rotate(180) if upside_down else line))
    return np.stack(lines), labels
