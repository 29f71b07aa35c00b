# SPDX-License-Identifier: Apache-2.0
"""Images with lines of text, for networks that read: on paper, or across photos."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from sklearn.datasets import load_sample_images

from models.network import Array, FloatArray

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
FONT_SIZE = 26


def photo_pieces(
    rng: np.random.Generator, count: int, size: tuple[int, int]
) -> Iterator[Image.Image]:
    """Random pieces of scikit-learn's two photos, of many sizes, as `size` (height, width).

    Every second has a line of text in its middle.
    """
    height, width = size
    photos: list[Array] = load_sample_images().images
    for number in range(count):
        photo = photos[number // 2 % len(photos)]
        most = min(3 * height, photo.shape[0] - 1, (photo.shape[1] - 1) * height // width)
        rows = int(rng.integers(height // 2, most))
        columns = rows * width // height
        top = int(rng.integers(photo.shape[0] - rows))
        left = int(rng.integers(photo.shape[1] - columns))
        piece = Image.fromarray(photo[top : top + rows, left : left + columns])
        piece = piece.resize((width, height))
        if number % 2:
            write(piece, phrase(rng))
        yield piece


def paper(rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    """A light, even page of `size` (height, width)."""
    return Image.new("RGB", size[::-1], (int(rng.integers(160, 256)),) * 3)


def phrase(rng: np.random.Generator) -> str:
    """Two words."""
    return " ".join(rng.choice(WORDS, 2))


def write(
    image: Image.Image, text: str, where: tuple[float, float] = (0.5, 0.5), size: int = FONT_SIZE
) -> tuple[int, int, int, int]:
    """Draw a line of text, dark on light or light on dark.

    Args:
        image: is changed.
        text: in Pillow's own font.
        where: its middle, as shares of width and height.
        size: of the font.

    Returns:
        The box around it: left, top, right, bottom.
    """
    ink = "black" if np.asarray(image).mean() > 128 else "white"
    font = ImageFont.load_default(size=size)
    middle = (image.width * where[0], image.height * where[1])
    draw = ImageDraw.Draw(image)
    draw.text(middle, text, fill=ink, font=font, anchor="mm")
    left, top, right, bottom = draw.textbbox(middle, text, font=font, anchor="mm")
    return round(left), round(top), round(right), round(bottom)


def paddle_input(image: Image.Image) -> FloatArray:
    """[3, H, W] in -1 to 1, blue first, as PaddleOCR's classifier and reader want it."""
    blue_first = np.asarray(image, np.float32)[:, :, ::-1]
    return np.ascontiguousarray(((blue_first / 255 - 0.5) / 0.5).transpose(2, 0, 1))


def imagenet_input(image: Image.Image, *, blue_first: bool = False) -> FloatArray:
    """[3, H, W] less ImageNet's mean, over its deviation."""
    mean = np.array((0.485, 0.456, 0.406), np.float32)
    deviation = np.array((0.229, 0.224, 0.225), np.float32)
    pixels = np.asarray(image, np.float32)[:, :, :: -1 if blue_first else 1] / 255
    normal = (pixels - mean) / deviation
    return np.ascontiguousarray(normal.transpose(2, 0, 1))
