# SPDX-License-Identifier: Apache-2.0
"""Row geometry of ops: what a band of output rows reads."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from codegen import ir
from codegen.bands import Operand, bands, most_input_rows, operands
from tests.unit.codegen.graphs import Builder, builders

SAME3 = ir.Window2d((3, 3), padding=(1, 1, 1, 1))


def test_operands_of_each_op() -> None:
    builder = Builder()
    x = builder.input((1, 4, 4, 8))
    a = builder.conv(x, 8, SAME3)
    b = builder.conv(a, 8, SAME3, residual=x)
    builder.pool(b, ir.PoolKind.MAX, SAME3)
    builder.add(a, b)
    assert [operands(op) for op in builder.ops] == [
        (Operand("in0", True),),
        (Operand("t0", True), Operand("in0", False)),
        (Operand("t1", True),),
        (Operand("t0", False), Operand("t1", False)),
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
    assert geometry.input_rows(2, 1).first == 3  # first row of the second image


def test_padding_stops_at_the_image() -> None:
    builder = Builder()
    builder.conv(builder.input((2, 4, 4, 8)), 8, SAME3)
    geometry = bands(builder.ops[0], builder.tensors)
    last, first = geometry.input_rows(3, 1), geometry.input_rows(4, 1)
    assert (last.first, last.count, last.pad) == (2, 2, 0)
    assert (first.first, first.count, first.pad) == (4, 2, 1)


@given(builders(), st.data())
def test_no_band_needs_more_rows_than_its_buffer_has(builder: Builder, data: st.DataObject) -> None:
    op = data.draw(st.sampled_from(builder.ops))
    geometry = bands(op, builder.tensors)
    first = data.draw(st.integers(0, geometry.image_rows - 1))
    count = data.draw(st.integers(1, geometry.image_rows - first))
    assert geometry.input_rows(first, count).count <= most_input_rows(geometry, count)
