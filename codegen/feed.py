# SPDX-License-Identifier: Apache-2.0
"""How a convolution is fed to the array: which of the modes of CONV, in how many passes.

A pass multiplies K values per output pixel. A dense convolution takes kernel taps x channel blocks
passes; what has few channels for each output (depthwise, first layers) would leave most lanes idle
there and takes fewer passes in the modes that put kernel taps on the lanes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from accel.banks import Gather, banked_pitch, fold_words
from accel.config import AccelConfig
from accel.isa import GATHER_ROWS, ConvMode
from accel.rules import DEPTHWISE_STRIDES, MOST_CHANNELS
from codegen import ir

MOST_PASSES = 255
MOST_FOLD_BYTES = 255


@dataclass(frozen=True, slots=True)
class Feed:
    """Fields of a CONV command that say how the array is fed."""

    mode: ConvMode = ConvMode.DENSE
    passes: int = 0
    pass_rows: int = 0
    fold_bytes: int = 0
    channels: int = 0

    def gather(self, op: ir.Conv, config: AccelConfig) -> Gather:
        """What the mode asks of the input's layout."""
        folded = self.mode == ConvMode.FOLD
        words = fold_words(self.fold_bytes, config) if folded else 2
        return Gather(self.pass_rows, op.window.dilation[0], words)


DENSE = Feed()


def feed(op: ir.Conv, tensors: Mapping[str, ir.Tensor], config: AccelConfig) -> Feed:
    """The mode of `op`, given the layout that `passes/choose_feeds.py` chose for its input."""
    source = tensors[op.input]
    if source.packed:
        folded = fold(op, config)
        assert folded is not None, "only inputs of convolutions that can fold are packed"
        return folded
    taps = depthwise(op, config)
    gathers = tensors[ir.whole_of(op.input, tensors)].gathers
    return taps if taps and taps.gather(op, config) in gathers else DENSE


def depthwise(op: ir.Conv, config: AccelConfig) -> Feed | None:
    """Kernel taps on the lanes, each output channel with its own input; None if impossible."""
    cout, kernel_h, kernel_w, cin = op.weight.shape
    own_channel = op.groups == cout and cin == 1
    regular = op.window.stride[1] in DEPTHWISE_STRIDES and op.window.dilation[1] == 1
    if not (config.depthwise and own_channel and regular and kernel_w <= config.k_lanes):
        return None
    for most in range(min(config.k_lanes // kernel_w, kernel_h, GATHER_ROWS), 0, -1):
        passes = -(-kernel_h // most)
        found = Feed(ConvMode.DEPTHWISE, passes, -(-kernel_h // passes))
        if _possible(found, op, config) and passes < kernel_h * kernel_w:
            return found
    return None


def fold(op: ir.Conv, config: AccelConfig) -> Feed | None:
    """Bytes of kernel rows on the lanes, for a packed input; None if that saves no pass."""
    _, kernel_h, kernel_w, channels = op.weight.shape
    if op.groups > 1 or channels > MOST_CHANNELS or op.window.dilation[1] != 1:
        return None
    k = config.k_lanes
    least = max(kernel_w * channels, k // GATHER_ROWS)
    # A wider kernel row wastes lanes, but rows that begin on lane 0 are fewer in a pass.
    widths = range(least, min(least + k, MOST_FOLD_BYTES + 1))
    feeds = [
        Feed(ConvMode.FOLD, -(-kernel_h * width // k), _pass_rows(width, k), width, channels)
        for width in widths
    ]
    dense = kernel_h * kernel_w * -(-channels // k)
    possible = [f for f in feeds if f.passes < dense and _possible(f, op, config)]
    return min(possible, key=lambda f: (f.passes, f.pass_rows, f.fold_bytes), default=None)


def _pass_rows(width: int, lanes: int) -> int:
    """Most kernel rows of `width` bytes, end to end, that a pass of `lanes` bytes meets."""
    return max((first % width + lanes - 1) // width + 1 for first in range(0, width * lanes, lanes))


def _possible(found: Feed, op: ir.Conv, config: AccelConfig) -> bool:
    """Whether weights fit, fields hold the values, and some pitch keeps the rows in own banks."""
    return (
        found.passes <= MOST_PASSES
        and found.pass_rows <= GATHER_ROWS
        and 2 * found.passes * config.weight_tile_bytes <= config.weight_bytes
        and banked_pitch(0, [found.gather(op, config)], config) is not None
    )
