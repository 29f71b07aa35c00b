# SPDX-License-Identifier: Apache-2.0
"""Row geometry of ops: what a band of output rows reads."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from codegen import ir
from codegen.bands import Operand, Reach, bands
from tests.unit.codegen.graphs import Builder, builders

SAME3 = ir.Window2d((3, 3), padding=(1, 1, 1, 1))


def test_operands_of_each_op() -> None:
    builder = Builder()
    x = builder.input((1, 4, 4, 8))
    a = builder.conv(x, 8, SAME3)
    b = builder.conv(a, 8, SAME3, residual=x)
    builder.pool(b, ir.PoolKind.MAX, SAME3)
    builder.add(a, b)
    mean = builder.pool(a, ir.PoolKind.AVERAGE, ir.Window2d((4, 4)))
    builder.mul(a, mean)
    window, pixel, image = Reach.WINDOW, Reach.PIXEL, Reach.IMAGE
    assert [bands(op, builder.tensors).operands for op in builder.ops] == [
        (Operand("in0", window),),
        (Operand("t0", window), Operand("in0", pixel)),
        (Operand("t1", window),),
        (Operand("t0", pixel), Operand("t1", pixel)),
        (Operand("t0", window),),
        (Operand("t0", pixel), Operand("t4", image)),
    ]


def test_images_are_one_where_rows_are_independent() -> None:
    builder = Builder()
    x = builder.input((3, 4, 5, 8))
    point = builder.conv(x, 8)
    builder.conv(point, 8, SAME3)
    merged, apart = (bands(op, builder.tensors) for op in builder.ops)
    assert (merged.images, merged.image_rows, merged.vertical.size) == (1, 12, 12)
    assert (apart.images, apart.image_rows, apart.vertical.size) == (3, 4, 4)


def test_a_strided_point_convolution_does_not_mix_images() -> None:
    builder = Builder()
    builder.conv(builder.input((2, 3, 3, 8)), 8, ir.Window2d((1, 1), (2, 2)))
    geometry = bands(builder.ops[0], builder.tensors)
    assert geometry.images == 2
    assert geometry.input_rows(Reach.WINDOW, 2, 1)[0] == 3  # first row of the second image


def test_padding_stops_at_the_image() -> None:
    builder = Builder()
    builder.conv(builder.input((2, 4, 4, 8)), 8, SAME3)
    geometry = bands(builder.ops[0], builder.tensors)
    assert geometry.input_rows(Reach.WINDOW, 3, 1) == (2, 2)
    assert geometry.input_rows(Reach.WINDOW, 4, 1) == (4, 2)


def test_a_repeated_operand_has_one_row_an_image() -> None:
    builder = Builder()
    x = builder.input((2, 4, 4, 8))
    builder.mul(x, builder.pool(x, ir.PoolKind.AVERAGE, ir.Window2d((4, 4))))
    geometry = bands(builder.ops[1], builder.tensors)
    assert geometry.images == 2
    assert geometry.input_rows(Reach.IMAGE, 5, 3) == (1, 1)


@given(builders(), st.data())
def test_no_band_needs_more_rows_than_its_buffer_has(builder: Builder, data: st.DataObject) -> None:
    assume(builder.ops)  # a graph may only move data
    op = data.draw(st.sampled_from(builder.ops))
    geometry = bands(op, builder.tensors)
    first = data.draw(st.integers(0, geometry.image_rows - 1))
    count = data.draw(st.integers(1, geometry.image_rows - first))
    for operand in geometry.operands:
        _, rows = geometry.input_rows(operand.reach, first, count)
        assert rows <= geometry.most_input_rows(operand.reach, count)


def test_a_band_of_patches_needs_what_its_rows_need() -> None:
    """Rows of a transposed convolution: 3 taps, 2 output rows to an input row, of 2 images."""
    builder = Builder()
    builder.upsample(builder.input((2, 5, 4, 8)), 8, ir.Window2d((3, 3), (2, 2)))
    geometry = bands(builder.ops[0], builder.tensors)
    assert (geometry.images, geometry.image_rows) == (2, 11)

    def needed(row: int) -> set[int]:
        """Input rows i with a tap 0 <= row - 2 i <= 2 that exist."""
        return {i for i in range(5) if 0 <= row - 2 * i <= 2}

    for count in range(1, 12):
        most = 0
        for first in range(12 - count):
            rows = set.union(*(needed(row) for row in range(first, first + count)))
            low, size = min(rows), len(rows)
            assert geometry.input_rows(Reach.WINDOW, first, count) == (low, size)
            assert geometry.input_rows(Reach.WINDOW, 11 + first, count) == (5 + low, size)
            most = max(most, size)
        assert geometry.most_input_rows(Reach.WINDOW, count) == most
