# SPDX-License-Identifier: Apache-2.0
"""Marks against a dictionary of bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from accel.footprint import Space, Span
from accel.isa import Sram
from accel.program import Window
from codegen.marks import Marks
from tests.unit.codegen.graphs import CONFIG_NAMES, CONFIGS

SPACES = st.sampled_from([Sram.ACT, Sram.WEIGHT, Window.INPUTS, Window.SCRATCH])


@st.composite
def spans(draw: st.DrawFn) -> Span:
    start = draw(st.integers(0, 50))
    return Span(draw(SPACES), 32 * start, 32 * (start + draw(st.integers(1, 20))))


@given(st.lists(st.tuples(spans(), spans()), max_size=20), CONFIG_NAMES)
def test_latest_is_the_largest_number_on_any_byte(
    actions: list[tuple[Span, Span]], name: str
) -> None:
    marks = Marks(CONFIGS[name])
    naive: dict[tuple[type, Space, int], int] = {}

    def keys(span: Span) -> list[tuple[type, Space, int]]:
        return [(type(span.space), span.space, i) for i in range(span.start, span.stop)]

    for number, (marked, asked) in enumerate(actions, 1):
        marks.mark([marked], number)
        naive |= dict.fromkeys(keys(marked), number)
        assert marks.latest([asked]) == max(naive.get(key, 0) for key in keys(asked))
