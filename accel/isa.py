# SPDX-License-Identifier: Apache-2.0
"""The command set: the one table from which codec, SystemVerilog package and documentation derive.

A command is `COMMAND_WORDS` 32-bit words, little end first: field after field from bit 0 of word 0,
header first. The encoding does not depend on the hardware configuration. All addresses, strides and
pitches are in **bytes**; the hardware refuses misaligned ones (`Cause.FIELD`).

Activations lie *blocked* in memory and SRAM: channel block `cb` (K channels) of pixel (y, x) is the
K-byte word at `base + cb * plane + y * pitch + x * K`. See `accel/layout.py`.

Dependencies are counting tokens. Every unit (load, conv, vector, store) executes its queue in order
and counts the commands it has completed since the stream began. A command starts once each unit has
completed at least as many commands as its `wait_*` field for that unit says, so correctness never
depends on timing. A command may wait only for commands that were pushed before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

ISA_VERSION = 4
WORD_BITS = 32
COMMAND_WORDS = 24
COMMAND_BITS = WORD_BITS * COMMAND_WORDS
ID_BITS = 24
"""Width of a command id and of a token count."""

PUSH_WINDOW = 0x1000
"""Byte offset of the command window: word `i` of a command is written to `PUSH_WINDOW + 4 * i`;
writing the last word pushes the command."""


class Unit(IntEnum):
    """The decoupled units; each has its own command queue and completion counter."""

    LOAD = 0
    CONV = 1
    VECTOR = 2
    STORE = 3
    DISPATCH = 4  # the front end itself: runs END, has no queue and no counter


QUEUES = (Unit.LOAD, Unit.CONV, Unit.VECTOR, Unit.STORE)
"""The units that have a queue and a counter."""


class Sram(IntEnum):
    """Memories a LOAD can write."""

    ACT = 0
    WEIGHT = 1
    PARAM = 2
    TABLE = 3


GATHER_ROWS = 4
"""Most kernel rows that a pass of CONV can read at once (FOLD, DEPTHWISE); a power of two."""


class ConvMode(IntEnum):
    """What is on the K lanes of the array.

    DENSE: K input channels of one kernel tap.
    DEPTHWISE: up to K kernel taps; every output channel sees its own input channel. Needs N = K.
    FOLD: K bytes of kernel rows of a *packed* input, whose pixels are 1 to 8 channels without gap.
    """

    DENSE = 0
    DEPTHWISE = 1
    FOLD = 2


TABLE_BYTES = 256
"""A table maps every int8 value, taken as an unsigned byte, to an int8 value."""


class Rounding(IntEnum):
    """Requantization rule.

    SINGLE: one rounding, half up (TVM `qnn.requantize`, TFLite single).
    DOUBLE: half up after 31 bits, then half away from zero (TFLite-Micro, CMSIS-NN); a shift below
    31 rounds once, half up.
    """

    SINGLE = 0
    DOUBLE = 1


class PoolKind(IntEnum):
    """Reduction over a pooling window."""

    MAX = 0
    AVERAGE = 1


class Cause(IntEnum):
    """Why the accelerator stopped: value of the ERROR register's `cause` field."""

    NONE = 0
    OPCODE = 1
    FIELD = 2
    SRAM_RANGE = 3
    WINDOW = 4
    AXI_READ = 5
    AXI_WRITE = 6
    TOKEN = 7
    WATCHDOG = 8


CAUSE_DOC = {
    Cause.NONE: "no error",
    Cause.OPCODE: "unknown opcode, or its unit is not built into this configuration",
    Cause.FIELD: "a field holds a value the hardware cannot execute (zero size, misaligned "
    "address, tile larger than the accumulator, reserved mode)",
    Cause.SRAM_RANGE: "an SRAM address outside the configured memory",
    Cause.WINDOW: "a memory access outside every open window, or without its permission",
    Cause.AXI_READ: "the memory answered a read with SLVERR or DECERR",
    Cause.AXI_WRITE: "the memory answered a write with SLVERR or DECERR",
    Cause.TOKEN: "a command waits for a command that was not pushed before it",
    Cause.WATCHDOG: "no unit made progress for the watchdog's number of cycles",
}


class Wait(IntEnum):
    """What a unit is doing: value of UNIT_STATE's `state` field (the hang doctor's vocabulary)."""

    IDLE = 0
    RUN = 1
    DEP_LOAD = 2
    DEP_CONV = 3
    DEP_VECTOR = 4
    DEP_STORE = 5
    WEIGHT = 6
    ACTIVATION = 7
    ACCUMULATOR = 8
    BUS = 9
    QUEUE = 10  # dispatcher only: the target unit's queue is full


class ArrayCycle(IntEnum):
    """What the array did in a cycle: exactly one per cycle, so the counters sum to the total."""

    BUSY = 0
    WEIGHT = 1
    ACTIVATION = 2
    ACCUMULATOR = 3
    DEP_LOAD = 4
    DEP_CONV = 5
    DEP_VECTOR = 6
    DEP_STORE = 7
    COMMAND = 8
    ISSUE = 9
    DRAIN = 10


ARRAY_CYCLE_DOC = {
    ArrayCycle.BUSY: "a pixel entered the array",
    ArrayCycle.WEIGHT: "the next weight tile was not loaded yet",
    ArrayCycle.ACTIVATION: "the window of a depthwise row was being filled, or the activation read "
    "lost its SRAM bank to another unit",
    ArrayCycle.ACCUMULATOR: "both accumulator halves were taken (the output stage is behind)",
    ArrayCycle.DEP_LOAD: "the command waited for a load",
    ArrayCycle.DEP_CONV: "the command waited for an earlier convolution's output",
    ArrayCycle.DEP_VECTOR: "the command waited for the vector unit",
    ArrayCycle.DEP_STORE: "the command waited for a store",
    ArrayCycle.COMMAND: "no command in the conv queue, more of the stream to come",
    ArrayCycle.ISSUE: "sequencer overhead: a command is being set up",
    ArrayCycle.DRAIN: "no command left for the array: the last outputs leave",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One bit field of a command."""

    name: str
    bits: int
    unit: str
    """Unit of the value, "" for plain numbers."""
    doc: str
    signed: bool = False

    @property
    def range(self) -> tuple[int, int]:
        """Smallest and largest value that can be encoded."""
        if self.signed:
            return -(1 << self.bits - 1), (1 << self.bits - 1) - 1
        return 0, (1 << self.bits) - 1


@dataclass(frozen=True, slots=True)
class Command:
    """One command of the set: `fields` follow the header, LSB first."""

    name: str
    opcode: int
    unit: Unit
    doc: str
    fields: tuple[Field, ...]


HEADER = (
    Field("opcode", 8, "", "Which command. 0 is never a command."),
    Field(
        "id",
        ID_BITS,
        "",
        "Number of the command in its stream; maps back to op and ONNX node.",
    ),
    Field("wait_load", ID_BITS, "commands", "Completed loads to wait for."),
    Field("wait_conv", ID_BITS, "commands", "Completed convolutions to wait for."),
    Field("wait_vector", ID_BITS, "commands", "Completed vector commands to wait for."),
    Field("wait_store", ID_BITS, "commands", "Completed stores to wait for."),
)

_TRANSFER = (
    Field("window", 4, "", "Memory window; `offset` is relative to its base."),
    Field("offset", 32, "bytes", "Offset of the first row in the window."),
    Field("sram_addr", 24, "bytes", "SRAM address of the first row."),
    Field("row_bytes", 24, "bytes", "Length of a row."),
    Field("rows", 16, "rows", "Rows in a plane."),
    Field("row_stride", 32, "bytes", "Distance of rows in memory."),
    Field("sram_row_stride", 24, "bytes", "Distance of rows in SRAM."),
    Field("planes", 16, "planes", "Number of planes."),
    Field("plane_stride", 32, "bytes", "Distance of planes in memory."),
    Field("sram_plane_stride", 24, "bytes", "Distance of planes in SRAM."),
)

_OUTPUT = (
    Field(
        "out_addr",
        24,
        "bytes",
        "ACT address of output pixel (0, 0), first channel block.",
    ),
    Field("out_plane", 24, "bytes", "Distance of output channel blocks (K channels)."),
    Field("out_pitch", 20, "bytes", "Distance of output rows."),
    Field("out_step", 20, "bytes", "Distance of output pixels in a row; K where none is left out."),
    Field("out_h", 12, "rows", "Output rows of this tile."),
    Field("out_w", 12, "pixels", "Output pixels in a row of this tile."),
)

_WINDOWED_INPUT = (
    Field(
        "in_addr",
        24,
        "bytes",
        "ACT address of input pixel (0, 0), first channel block.",
    ),
    Field("in_plane", 24, "bytes", "Distance of input channel blocks (K channels)."),
    Field("in_pitch", 20, "bytes", "Distance of input rows."),
    Field("in_h", 12, "rows", "Input rows there are; outside of them is padding."),
    Field("in_w", 12, "pixels", "Input pixels in a row; outside of them is padding."),
    Field("pad_top", 8, "rows", "Input row of output row 0, kernel row 0 is `-pad_top`."),
    Field("pad_left", 8, "pixels", "The same for columns."),
)

_TAIL = (
    Field("out_zp", 8, "", "Zero point added after the shift.", signed=True),
    Field("clip_lo", 8, "", "Lower clip, after the zero point.", signed=True),
    Field("clip_hi", 8, "", "Upper clip, after the zero point.", signed=True),
)

_TABLE = (
    Field("use_table", 4, "", "0: none; t: every result goes through table t - 1 at the very end."),
)

_TWO_OPERANDS = (
    Field("a_addr", 24, "bytes", "ACT address of operand a."),
    Field("a_plane", 24, "bytes", "Distance of a's channel blocks."),
    Field("a_pitch", 20, "bytes", "Distance of a's rows."),
    Field("b_addr", 24, "bytes", "ACT address of operand b."),
    Field("b_plane", 24, "bytes", "Distance of b's channel blocks."),
    Field("b_pitch", 20, "bytes", "Distance of b's rows."),
    Field("b_repeat", 1, "", "1: a row of b is one pixel, which all pixels of a's row meet."),
    Field("blocks", 12, "", "Channel blocks (of K)."),
    *_OUTPUT,
    Field("a_zp", 8, "", "Zero point of a.", signed=True),
    Field("b_zp", 8, "", "Zero point of b.", signed=True),
    Field("shift", 6, "bits", "Rounding right shift, 1 to 62."),
    *_TAIL,
    *_TABLE,
    Field("rounding", 1, "", "As in CONV. ADD with 1 rescales the operands and then their sum."),
)

COMMANDS = (
    Command(
        "END",
        1,
        Unit.DISPATCH,
        "Wait for the tokens, then set STATUS.done and raise the interrupt: the stream is "
        "complete.",
        (),
    ),
    Command(
        "LOAD",
        2,
        Unit.LOAD,
        "Copy `planes` x `rows` rows from a memory window to an SRAM. Addresses, strides and "
        "lengths are multiples of the bus width.",
        (Field("sram", 4, "", "Destination: 0 ACT, 1 WEIGHT, 2 PARAM, 3 TABLE."), *_TRANSFER),
    ),
    Command(
        "STORE",
        3,
        Unit.STORE,
        "Copy `planes` x `rows` rows from the ACT SRAM to a memory window. Addresses, strides and "
        "lengths are multiples of the bus width.",
        _TRANSFER,
    ),
    Command(
        "CONV",
        4,
        Unit.CONV,
        "Convolve a tile: for each block of N output channels, accumulate over kernel rows, kernel "
        "columns and input channel blocks, then bias, requantize, clip and (optionally) add the "
        "residual. out_h * out_w must not exceed half of the accumulator entries. Weight tiles "
        "(K words of N bytes) are read in the order n-block, kernel row, kernel column, channel "
        "block; parameter records in the order of n-blocks. DEPTHWISE: pass p covers kernel rows "
        "p * pass_rows onward, its lane c * pass_rows + r the tap (row r, column c). FOLD: the "
        "kernel rows, fold_bytes each, lie end to end; pass p covers bytes p * K to p * K + K - 1 "
        "of them. In both, weight tiles are read in the order n-block, pass; lanes without a tap "
        "see in_zp; and the rows that a pass reads must lie in different banks. Weights may be an "
        "activation: a block of K pixels by K channels is a tile, `transposed` where its "
        "pixels are output channels.",
        (
            *_WINDOWED_INPUT,
            Field(
                "in_group",
                24,
                "bytes",
                "Added to in_addr for each further n-block (grouped "
                "convolution); 0 when all outputs see the same input.",
            ),
            Field("kernel_h", 8, "", "Kernel rows."),
            Field("kernel_w", 8, "", "Kernel columns."),
            Field("stride_y", 4, "rows", "Vertical stride."),
            Field("stride_x", 4, "pixels", "Horizontal stride."),
            Field("dilation_y", 6, "rows", "Vertical dilation."),
            Field("dilation_x", 6, "pixels", "Horizontal dilation."),
            Field("cin_blocks", 12, "", "Input channel blocks (of K)."),
            Field("n_blocks", 12, "", "Output channel blocks (of N)."),
            Field("weight_addr", 24, "bytes", "WEIGHT address of the first weight tile."),
            Field(
                "param_addr",
                24,
                "bytes",
                "PARAM address of the first parameter record.",
            ),
            *_OUTPUT,
            Field("mode", 4, "", "0 dense, 1 depthwise, 2 fold."),
            Field("passes", 8, "", "DEPTHWISE, FOLD: passes (weight tiles) of an n-block."),
            Field(
                "pass_rows",
                3,
                "rows",
                "DEPTHWISE, FOLD: kernel rows that a pass reads, 1 to 4.",
            ),
            Field(
                "fold_bytes",
                8,
                "bytes",
                "FOLD: bytes of a kernel row, K / 4 or more. Above kernel_w * channels: the rest "
                "has weights of zero.",
            ),
            Field("channels", 4, "bytes", "FOLD: size of an input pixel, 1 to 8."),
            Field("rounding", 1, "", "0 single rounding, half up; 1 double."),
            Field(
                "first",
                1,
                "",
                "1: start from zero; 0: go on from the accumulators left by the "
                "previous CONV (which had last = 0). Needs n_blocks = 1 when first or last is 0.",
            ),
            Field("last", 1, "", "1: hand the sums to the output stage; 0: keep them."),
            Field("residual", 1, "", "1: add the residual tensor after requantizing."),
            Field("in_zp", 8, "", "Value that padding injects.", signed=True),
            Field("centered", 1, "", "DENSE: 1: multiply (input - in_zp), not the input."),
            Field("weight_zp", 8, "", "Zero point that is taken off every weight.", signed=True),
            Field(
                "transposed",
                1,
                "",
                "1: word n of a weight tile holds the K weights of output channel n. Needs N = K.",
            ),
            *_TAIL,
            *_TABLE,
            Field("res_addr", 24, "bytes", "ACT address of the residual's pixel (0, 0)."),
            Field("res_plane", 24, "bytes", "Distance of the residual's channel blocks."),
            Field("res_pitch", 20, "bytes", "Distance of the residual's rows."),
            Field("res_zp", 8, "", "Zero point of the residual.", signed=True),
            Field(
                "add_self_mult",
                32,
                "",
                "Multiplier of (requantized value - out_zp).",
                signed=True,
            ),
            Field(
                "add_res_mult",
                32,
                "",
                "Multiplier of (residual - res_zp).",
                signed=True,
            ),
            Field("add_shift", 6, "bits", "Rounding right shift of the sum, 1 to 62."),
            Field("add_zp", 8, "", "Zero point of the sum.", signed=True),
            Field("add_lo", 8, "", "Lower clip of the sum.", signed=True),
            Field("add_hi", 8, "", "Upper clip of the sum.", signed=True),
        ),
    ),
    Command(
        "POOL",
        5,
        Unit.VECTOR,
        "Pool a tile of `blocks` channel blocks. Padding never takes part: MAX skips it, AVERAGE "
        "sums only what is there. AVERAGE then requantizes sum + bias; MAX only clips.",
        (
            *_WINDOWED_INPUT,
            Field("kernel_h", 12, "", "Window rows."),
            Field("kernel_w", 12, "", "Window columns."),
            Field("stride_y", 8, "rows", "Vertical stride."),
            Field("stride_x", 8, "pixels", "Horizontal stride."),
            Field("blocks", 12, "", "Channel blocks (of K)."),
            *_OUTPUT,
            Field("kind", 2, "", "0 max, 1 average."),
            Field("rounding", 1, "", "As in CONV."),
            Field("bias", 32, "", "Added to the sum.", signed=True),
            Field("multiplier", 32, "", "Fixed-point multiplier, below 2^31."),
            Field("shift", 6, "bits", "Rounding right shift, 1 to 62."),
            *_TAIL,
            *_TABLE,
        ),
    ),
    Command(
        "ADD",
        6,
        Unit.VECTOR,
        "Add two tiles: ((a - a_zp) * a_mult + (b - b_zp) * b_mult), one rounding shift, zero "
        "point, clip. With rounding 1, as TFLite-Micro: each operand << 20, times its multiplier's "
        "magnitude, rounded twice by 31 + its shift, negated if the multiplier is negative; then "
        "their sum times sum_mult, rounded twice by shift.",
        (
            *_TWO_OPERANDS,
            Field("a_mult", 32, "", "Multiplier of a.", signed=True),
            Field("b_mult", 32, "", "Multiplier of b.", signed=True),
            Field("a_shift", 5, "bits", "With rounding 1: shift of a behind the 31."),
            Field("b_shift", 5, "bits", "The same for b."),
            Field("sum_mult", 32, "", "With rounding 1: multiplier of the sum, below 2^31."),
        ),
    ),
    Command(
        "MUL",
        7,
        Unit.VECTOR,
        "Multiply two tiles: (a - a_zp) * (b - b_zp) * multiplier, one rounding shift, zero point, "
        "clip.",
        (
            *_TWO_OPERANDS,
            Field(
                "multiplier",
                32,
                "",
                "Fixed-point multiplier; not negative with rounding 1.",
                signed=True,
            ),
        ),
    ),
)

BY_NAME = {command.name: command for command in COMMANDS}
BY_OPCODE = {command.opcode: command for command in COMMANDS}
