# SPDX-License-Identifier: Apache-2.0
"""Run egglog on a model's terms, and read the e-graph back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from egglog import bindings

from codegen.rewrite import rules
from codegen.rewrite.steps import Model, term

TOGETHER = 25
"""Statements that are parsed at once: egglog's parser takes quadratic time."""
SORTS = ("T-", "C-", "L-")
"""Beginnings of the names of our classes."""


@dataclass(frozen=True, slots=True)
class Node:
    """An e-node: a constructor and its arguments, classes by name or primitive values."""

    operator: str
    arguments: tuple[str, ...]


@dataclass(slots=True)
class Classes:
    """An e-graph: what can stand for what."""

    nodes: dict[str, list[Node]] = field(default_factory=dict)
    """Class -> its e-nodes. A primitive value is its own class and has none."""
    of_step: dict[int, str] = field(default_factory=dict)
    of_constant: dict[int, str] = field(default_factory=dict)
    rounds: int = 0
    """Rounds of all rules until nothing was left to do, or the bounds were met."""


def saturate(model: Model, groups: Sequence[str]) -> Classes:
    """Apply the rules until they add nothing, or a bound is met.

    Args:
        model: terms and facts.
        groups: which of `rules.GROUPS`.
    """
    graph = bindings.EGraph()
    _run(graph, rules.LANGUAGE.splitlines())
    _run(graph, rules.FACTS.splitlines())
    for group in groups:
        graph.run_program(*graph.parse_program(rules.GROUPS[group]))
    _run(graph, [f"(Id {index})" for index in range(len(model.constants))])
    _run(
        graph,
        [
            f"(union (V {index}) {term(step, index)})" if step.operator else f"(V {index})"
            for index, step in enumerate(model.steps)
        ],
    )
    _run(graph, model.facts)
    once = graph.parse_program("(run-schedule (seq (saturate (run facts)) (run rules)))")
    rounds, more = 0, True
    while more and rounds < rules.ROUNDS and _size(graph) < rules.NODES:
        report = graph.run_program(*once)[0]
        assert isinstance(report, bindings.RunScheduleOutput)
        more = report.report.updated
        rounds += 1
    return _read(graph, rounds)


def _size(graph: bindings.EGraph) -> int:
    """Rows of all tables."""
    sizes = graph.run_program(*graph.parse_program("(print-size)"))[0]
    assert isinstance(sizes, bindings.PrintAllFunctionsSize)
    return sum(size for _, size in sizes.sizes)


def _read(graph: bindings.EGraph, rounds: int) -> Classes:
    found = Classes(rounds=rounds)
    nodes = json.loads(graph.serialize([]).to_json())["nodes"]
    classes = {
        key: _primitive(node["op"]) if key.startswith("primitive-") else node["eclass"]
        for key, node in nodes.items()
    }
    for key, node in nodes.items():
        if key.startswith("primitive-") or not node["eclass"].startswith(SORTS):
            continue
        arguments = tuple(classes[child] for child in node["children"])
        if node["op"] == "V":
            found.of_step[int(arguments[0])] = node["eclass"]
        if node["op"] == "Id":
            found.of_constant[int(arguments[0])] = node["eclass"]
        found.nodes.setdefault(node["eclass"], []).append(Node(node["op"], arguments))
    return found


def _primitive(text: str) -> str:
    """A primitive value as text; egglog 11 writes floats in another way."""
    return text.strip('"').removeprefix("OrderedFloat(").removesuffix(")")


def _run(graph: bindings.EGraph, statements: list[str]) -> None:
    for start in range(0, len(statements), TOGETHER):
        program = graph.parse_program("\n".join(statements[start : start + TOGETHER]))
        graph.run_program(*program)
