# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from accel.isa import ArrayCycle, Unit
from sim.attribution import USE_DOC, USE_OF, Use, attribute
from sim.build import ROOT


def cycles(**causes: int) -> tuple[int, ...]:
    return tuple(causes.get(cause.name.lower(), 0) for cause in ArrayCycle)


def test_busy_cycles_are_useful_by_the_ops_own_macs_and_else_edge() -> None:
    """3 of 16 input channels: 3/16 of the busy cycles are the op's."""
    spent = attribute([(Unit.CONV, cycles(busy=160, weight=5))], 160 * 3 * 16, 256)
    assert spent[Use.USEFUL] == 30
    assert spent[Use.EDGE] == 130
    assert spent[Use.WEIGHT] == 5


def test_a_full_array_has_no_edge() -> None:
    assert attribute([(Unit.CONV, cycles(busy=7))], 7 * 256, 256)[Use.EDGE] == 0


def test_cycles_of_a_vector_command_are_the_vector_units() -> None:
    commands = [(Unit.VECTOR, cycles(dep_vector=3, command=4, drain=5)), (Unit.CONV, cycles())]
    spent = attribute(commands, 0, 256)
    assert spent == {**dict.fromkeys(Use, 0), Use.VECTOR: 12}


def test_every_cause_has_its_use_and_every_use_a_text() -> None:
    assert set(USE_OF) == set(ArrayCycle)
    assert set(USE_OF.values()) | {Use.USEFUL} == set(USE_DOC) == set(Use)


def test_the_readme_explains_every_use() -> None:
    text = (ROOT / "sim" / "README.md").read_text(encoding="utf-8")
    for use, doc in USE_DOC.items():
        assert f"| {use.name.lower()} | {doc} |" in text


COUNTS = st.tuples(*[st.integers(0, 2**32 - 1)] * len(ArrayCycle))


@given(
    commands=st.lists(st.tuples(st.sampled_from(Unit), COUNTS), max_size=5),
    macs=st.integers(0, 2**42),
    lanes=st.sampled_from([16, 64, 128, 256, 1024]),
)
def test_shares_sum_to_the_cycles_exactly(
    commands: list[tuple[Unit, tuple[int, ...]]], macs: int, lanes: int
) -> None:
    spent = attribute(commands, macs, lanes)
    assert sum(spent.values()) == sum(sum(counts) for _, counts in commands)
