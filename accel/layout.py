# SPDX-License-Identifier: Apache-2.0
"""How an int8 NHWC tensor lies in memory and in the activation SRAM: blocked by K channels.

    byte address of (n, y, x, c) = base + (c // K) * plane + (n * h + y) * pitch + x * K + c % K

The images of a batch are stacked as rows. Rows are padded to whole bus beats, channels to whole
output vectors of N, so that any row can be moved by DMA and any output vector can be written. An
input of few channels can also lie *packed*: the same formula with one block of C channels for K.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accel.banks import Gather, banked_pitch
from accel.config import AccelConfig

Int8Array = npt.NDArray[np.int8]


def round_up(value: int, multiple: int) -> int:
    """Smallest multiple of `multiple` that is at least `value`."""
    return -(-value // multiple) * multiple


@dataclass(frozen=True, slots=True)
class Layout:
    """Place of a tensor relative to its base address."""

    n: int
    """Images."""
    h: int
    """Rows of an image."""
    w: int
    """Pixels in a row."""
    c: int
    """Channels that mean something; the rest up to `blocks * k` is padding."""
    k: int
    """Channels in a block, bytes of a pixel in it."""
    blocks: int
    """Channel blocks."""
    pitch: int
    """Distance of rows, bytes."""
    plane: int
    """Distance of channel blocks, bytes."""

    @property
    def rows(self) -> int:
        """Rows of all images."""
        return self.n * self.h

    @property
    def size(self) -> int:
        """Bytes of the whole tensor."""
        return self.blocks * self.plane

    @property
    def span(self) -> int:
        """Bytes from the first to the last one: less than `size` for a part of a tensor."""
        return (self.blocks - 1) * self.plane + self.rows * self.pitch


def tensor_layout(
    shape: tuple[int, int, int, int], config: AccelConfig, gathers: Sequence[Gather] = ()
) -> Layout:
    """Lay out an [N, H, W, C] tensor, densely but for what `gathers` ask of its pitch."""
    n, h, w, c = shape
    pitch = _pitch(w * config.k_lanes, config, gathers)
    blocks = round_up(c, config.n_lanes) // config.k_lanes
    return Layout(n, h, w, c, config.k_lanes, blocks, pitch, n * h * pitch)


def packed_layout(
    shape: tuple[int, int, int, int], config: AccelConfig, gathers: Sequence[Gather] = ()
) -> Layout:
    """Lay out an [N, H, W, C] tensor of few channels without a gap between its pixels."""
    n, h, w, c = shape
    pitch = _pitch(w * c, config, gathers)
    return Layout(n, h, w, c, c, 1, pitch, n * h * pitch)


def _pitch(row: int, config: AccelConfig, gathers: Sequence[Gather]) -> int:
    """Distance of rows of `row` bytes."""
    if not gathers:
        return round_up(row, config.bus_bytes)
    pitch = banked_pitch(row, gathers, config)
    assert pitch is not None, "readers were chosen so that some pitch suits them all"
    return pitch


def pack(tensor: Int8Array, layout: Layout, fill: int = 0) -> npt.NDArray[np.uint8]:
    """Bring an [N, H, W, C] int8 tensor into its layout.

    Args:
        tensor: [N, H, W, C] int8.
        layout: where it goes.
        fill: int8 value of the padding channels and row ends.

    Returns:
        [layout.size] uint8.
    """
    view = np.full((layout.blocks, layout.rows, layout.pitch), fill, np.int8)
    padded = np.full((layout.rows, layout.w, layout.blocks * layout.k), fill, np.int8)
    padded[:, :, : layout.c] = tensor.reshape(layout.rows, layout.w, layout.c)
    split = padded.reshape(layout.rows, layout.w, layout.blocks, layout.k).transpose(2, 0, 1, 3)
    view[:, :, : layout.w * layout.k] = split.reshape(layout.blocks, layout.rows, -1)
    return view.view(np.uint8).reshape(-1)


def unpack(data: npt.NDArray[np.uint8], layout: Layout) -> Int8Array:
    """Take an [N, H, W, C] int8 tensor out of its layout; the inverse of `pack`."""
    rows = data.view(np.int8).reshape(layout.blocks, layout.rows, layout.pitch)
    pixels = rows[:, :, : layout.w * layout.k]
    split = pixels.reshape(layout.blocks, layout.rows, layout.w, layout.k).transpose(1, 2, 0, 3)
    merged = split.reshape(layout.n, layout.h, layout.w, layout.blocks * layout.k)
    return np.ascontiguousarray(merged[..., : layout.c])
