# SPDX-License-Identifier: Apache-2.0
"""Extraction pays once for what is shared, and keeps the model's own form where nothing is won."""

from __future__ import annotations

from pathlib import Path

from codegen.frontend.onnx_import import import_onnx
from codegen.rewrite.extract import FINE, extract
from codegen.rewrite.rules import GROUPS
from codegen.rewrite.saturate import saturate
from codegen.rewrite.terms import Reader
from tests.e2e.island_models import Islands


def shared_transpose() -> Islands:
    net = Islands(1, 6, 6, 4)
    x = net.node("Transpose", net.q("x"), perm=[0, 3, 1, 2])
    branches = [net.q(net.conv(x, 4, 8, 1, 1)) for _ in range(3)]
    net.q(net.node("Add", net.q(net.node("Add", *branches[:2])), branches[2]))
    return net


def test_a_transpose_that_three_read_is_paid_and_emitted_once(tmp_path: Path) -> None:
    module = import_onnx(shared_transpose().save(tmp_path / "net.onnx")).module
    model = Reader(module["main"]).read()
    classes = saturate(model, tuple(GROUPS))
    choice = extract(model, classes)
    needed = [classes.of_step[step] for step in model.roots]
    moves = set()
    while needed:
        node = choice.nodes[needed.pop()]
        if node.operator == "Move":
            moves.add(node)
        needed += [a for a in node.arguments if a.startswith("T-")]
    assert len(moves) == 1
    assert choice.before - choice.cost >= 3 * FINE  # the convolutions had floats to read


def test_the_same_graph_gives_the_same_choice(tmp_path: Path) -> None:
    module = import_onnx(shared_transpose().save(tmp_path / "net.onnx")).module
    model = Reader(module["main"]).read()
    first, second = (extract(model, saturate(model, tuple(GROUPS))) for _ in range(2))
    assert first == second
