# SPDX-License-Identifier: Apache-2.0
"""Why an op does not fit: each reason's text, and that its remedy helps."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from accel.config import AccelConfig
from codegen import ir
from codegen.fits import reason
from codegen.pipeline import lower
from tests.unit.codegen.graphs import CRAMPED, DEFAULT, TINY, Builder


def conv_reason(
    shape: ir.Shape, channels: int, window: ir.Window2d, config: AccelConfig = DEFAULT
) -> str:
    builder = Builder()
    builder.conv(builder.input(shape), channels, window)
    return reason(builder.ops[0], builder.tensors, config)


def pool_reason(shape: ir.Shape, window: ir.Window2d) -> str:
    builder = Builder()
    builder.pool(builder.input(shape), ir.PoolKind.MAX, window)
    return reason(builder.ops[0], builder.tensors, DEFAULT)


def test_a_usual_layer_fits() -> None:
    window = ir.Window2d((3, 3), padding=(1, 1, 1, 1))
    assert conv_reason((1, 32, 32, 64), 64, window) == ""
    assert pool_reason((1, 32, 32, 64), ir.Window2d((2, 2), (2, 2))) == ""


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (
            ir.Window2d((1, 1), (16, 1)),
            "stride_y = 16 is above the command field's limit of 15",
        ),
        (
            ir.Window2d((1, 1), (1, 17)),
            "stride_x = 17 is above the command field's limit of 15",
        ),
        (
            ir.Window2d((2, 1), dilation=(64, 1)),
            "dilation_y = 64 is above the command field's limit of 63",
        ),
        (
            ir.Window2d((256, 1)),
            "kernel_h = 256 is above the command field's limit of 255",
        ),
        (
            ir.Window2d((3, 3), padding=(0, 0, 256, 0)),
            "pad_top = 256 is above the command field's limit of 255",
        ),
    ],
)
def test_convolution_outside_the_command_fields(window: ir.Window2d, expected: str) -> None:
    assert conv_reason((1, 300, 20, 4), 4, window) == expected


def test_rows_longer_than_the_command_field() -> None:
    assert conv_reason((1, 1, 5000, 4), 4, ir.Window2d((1, 1))) == (
        "in_w = 5000 is above the command field's limit of 4095"
    )


def test_a_window_of_padding_has_no_maximum() -> None:
    window = ir.Window2d((3, 3), padding=(3, 0, 0, 0))
    assert conv_reason((1, 30, 20, 4), 4, window) == ""
    assert pool_reason((1, 30, 20, 4), window) == (
        "padding (3, 0) reaches the kernel's extent 3: some windows would see padding only"
    )


def test_pooling_cannot_dilate() -> None:
    assert pool_reason((1, 20, 20, 4), ir.Window2d((2, 2), dilation=(2, 1))) == (
        "dilation_y = 2 is not supported for POOL"
    )


def test_row_too_large_for_the_activation_sram() -> None:
    text = conv_reason((1, 1, 600, 16), 16, ir.Window2d((1, 1)), CRAMPED)
    assert text == (
        "one output row needs 19200 bytes of activation SRAM, there are 8192; set act_kib >= 32"
    )


def test_kernel_row_too_large_for_the_weight_sram() -> None:
    text = conv_reason((1, 1, 40, 16), 16, ir.Window2d((1, 40)), replace(DEFAULT, weight_kib=8))
    assert text == (
        "one kernel row of weights takes 10240 bytes, twice that must fit the weight SRAM of 8192; "
        "set weight_kib >= 32"
    )


def test_two_kernel_rows_of_weights_must_fit() -> None:
    small = replace(DEFAULT, weight_kib=8)
    assert conv_reason((1, 1, 40, 16), 16, ir.Window2d((1, 16)), small) == ""
    assert "4352 bytes, twice" in conv_reason((1, 1, 40, 16), 16, ir.Window2d((1, 17)), small)


def test_more_input_channels_than_the_command_field() -> None:
    assert conv_reason((1, 1, 1, 16400), 4, ir.Window2d((1, 1)), replace(TINY, act_kib=64)) == (
        "4100 input channel blocks are above the command field's limit of 4095"
    )


@pytest.mark.parametrize(
    ("shape", "window", "config"),
    [
        ((1, 1, 600, 16), ir.Window2d((1, 1)), CRAMPED),
        ((1, 9, 90, 200), ir.Window2d((9, 3)), CRAMPED),
        ((1, 1, 40, 16), ir.Window2d((1, 40)), replace(DEFAULT, weight_kib=8)),
        ((1, 1, 33, 20), ir.Window2d((1, 33)), replace(CRAMPED, act_kib=1)),
    ],
)
def test_following_the_advice_admits_the_op(
    shape: ir.Shape, window: ir.Window2d, config: AccelConfig
) -> None:
    builder = Builder()
    builder.conv(builder.input(shape), 16, window)
    advice = 0
    while text := reason(builder.ops[0], builder.tensors, config):
        found = re.search(r"set (\w+) >= (\d+)$", text)
        assert found, text
        config = replace(config, **{found[1]: int(found[2])})
        advice += 1
    assert advice in (1, 2)  # one for each memory
    lower(builder.graph(), config)


def test_without_vector_unit() -> None:
    builder = Builder()
    builder.pool(builder.input((1, 4, 4, 16)), ir.PoolKind.MAX, ir.Window2d((2, 2)))
    assert reason(builder.ops[0], builder.tensors, replace(DEFAULT, vector=False)) == (
        "the vector unit is not built (vector = false); set vector = true"
    )
