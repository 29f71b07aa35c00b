# SPDX-License-Identifier: Apache-2.0
"""What a user chooses, and what the command lines make of it."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from accel.config import AccelConfig
from accel.errors import ConfigError
from accel.isa import Rounding
from codegen import ir
from codegen.choices import BY_OP, DEFAULTS, EXACT, FLEXIBLE, Choices, add_options
from codegen.cost import Bus
from codegen.front import add_ir_options, chosen
from codegen.frontend.formats import add_rounding
from codegen.recipe import DEFAULT, Recipe
from codegen.tuning import Database, Entry, workload
from tests.unit.codegen.graphs import Builder

CONFIG = AccelConfig()


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    for add in (add_rounding, add_options, add_ir_options):
        add(parser)
    return parser.parse_args(arguments)


def test_a_command_line_without_options_chooses_the_defaults() -> None:
    assert chosen(parsed()) == DEFAULTS
    assert chosen(parsed("--ir", "relay")) == DEFAULTS


def test_options_are_choices(tmp_path: Path) -> None:
    times, bus, tuned = tmp_path / "times.json", Bus(40, 4), Database()
    cost = ("--partition", "cost", "--clock", "100", "--host-times", str(times))
    found = chosen(parsed("--match", "exact", "--rounding", "double", *cost), tuned, bus)
    assert (found.match, found.rounding, found.tuned) == (EXACT, Rounding.DOUBLE, tuned)
    assert found.by_cost is not None
    assert (found.by_cost.mhz, found.by_cost.bus) == (100.0, bus)


def test_options_of_relay_are_choices() -> None:
    tuned = Database()
    found = chosen(parsed("--ir", "relay", "--annotate", "op"), tuned)
    assert found == Choices(annotate=BY_OP, tuned=tuned)


@pytest.mark.parametrize("name", ["match", "annotate"])
def test_an_unknown_way_is_refused(name: str) -> None:
    known = {"match": f"{EXACT}, {FLEXIBLE}", "annotate": "pattern, op"}[name]
    with pytest.raises(ConfigError, match=f"--{name} fuzzy: one of {known}"):
        Choices(**{name: "fuzzy"})


def test_a_clock_is_a_frequency() -> None:
    with pytest.raises(ConfigError, match="--clock -5: a frequency"):
        chosen(parsed("--clock", "-5"))


@pytest.mark.parametrize(
    ("name", "rule"), [("a.onnx", Rounding.SINGLE), ("a.tflite", Rounding.DOUBLE)]
)
def test_the_rule_is_that_of_the_format_unless_one_is_chosen(name: str, rule: Rounding) -> None:
    path = Path(name)
    assert Choices().of_file(path).rule == rule
    for other in Rounding:
        assert Choices(rounding=other).of_file(path).rule == other
    assert Choices().rule == Rounding.SINGLE


def graph(channels: int) -> ir.Graph:
    made = Builder()
    made.conv(made.input((1, 8, 8, 8)), channels)
    return made.graph()


def test_measured_recipes_are_used_for_their_workload() -> None:
    recipe = Recipe(1, 4, 1)
    tuned = Database({workload(graph(8), CONFIG): Entry(recipe, 1234, 5, "default")})
    assert Choices(tuned=tuned).recipe(graph(8), CONFIG) == recipe
    assert Choices(tuned=tuned).recipe(graph(16), CONFIG) == DEFAULT
    assert Choices().recipe(graph(8), CONFIG) == DEFAULT
