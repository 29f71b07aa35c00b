# SPDX-License-Identifier: Apache-2.0
"""Recipes: the same results, other cycles; the best one is found again by its workload."""

from __future__ import annotations

from pathlib import Path

import pytest

from accel.errors import ConfigError
from codegen import ir
from codegen.cost import Bus
from codegen.pipeline import lower
from codegen.recipe import DEFAULT as DEFAULT_RECIPE
from codegen.recipe import Recipe
from codegen.tuning import Database, Entry, load_database, ranked, workload
from tests.unit.codegen.graphs import DEFAULT, SMALL, Builder
from tests.unit.codegen.running import differing, expected, run


def builder(channels: int = 40) -> Builder:
    made = Builder()
    x = made.input((1, 20, 20, 24))
    made.conv(made.conv(x, channels, ir.Window2d((3, 3))), 16)
    return made


def test_every_recipe_computes_the_same() -> None:
    made = builder()
    graph, data = made.graph(), made.data()
    candidates = ranked(graph, DEFAULT, Bus())
    assert len(candidates) > 3
    assert [c.predicted for c in candidates] == sorted(c.predicted for c in candidates)
    for candidate in candidates:
        got = run(candidate.program, graph, data, DEFAULT)
        assert not differing(got, expected(graph, data))


def test_default_recipe_is_among_the_candidates() -> None:
    graph = builder().graph()
    words = lower(graph, DEFAULT).words
    (same,) = [c for c in ranked(graph, DEFAULT, Bus()) if c.recipe == DEFAULT_RECIPE]
    assert (same.program.words == words).all()


def test_database_finds_a_workload_again(tmp_path: Path) -> None:
    graph, recipe = builder().graph(), Recipe(8, 4, 1)
    database = Database({workload(graph, DEFAULT): Entry(recipe, 1234, 5, "default")})
    database.save(tmp_path / "db" / "tune.json")
    loaded = load_database(tmp_path / "db" / "tune.json")
    assert loaded == database
    assert loaded.recipe(graph, DEFAULT) == recipe
    assert loaded.recipe(graph, SMALL) == DEFAULT_RECIPE
    assert loaded.recipe(builder(41).graph(), DEFAULT) == DEFAULT_RECIPE
    assert load_database(tmp_path / "none.json") == Database()


@pytest.mark.parametrize("text", ["", "[1]", '{"a": 1}', '{"a": {"recipe": {"tiles": 1, "x": 2}}}'])
def test_a_damaged_database_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tune.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"tune\.json is no tuning database"):
        load_database(path)
