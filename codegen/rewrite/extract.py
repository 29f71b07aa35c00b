# SPDX-License-Identifier: Apache-2.0
"""Choose an e-node for every class, so that what the model's results need costs least.

Costs are those of a graph, not of a tree: what is read twice is paid once. Each class keeps the set
of e-nodes that its choice needs, as bits of an integer; two choices are compared by what one needs
and the other does not. Greedy: a class does not know what the rest of the graph shares with it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from codegen.rewrite.costs import weight
from codegen.rewrite.saturate import Classes, Node
from codegen.rewrite.steps import Argument, Model

VISITS = 40
"""Most times that a class is looked at again: greedy choices may chase each other."""
FINE = 1000
"""A unit of cost; below it count e-nodes that are not as the model has them."""


@dataclass(slots=True)
class _State:
    node: Node
    needs: int
    narrow: bool


@dataclass(slots=True)
class Choice:
    """An e-node for each class that can be computed."""

    nodes: dict[str, Node]
    cost: int
    """Of all results of the model."""
    before: int
    """What the model as it is costs."""


def extract(model: Model, classes: Classes) -> Choice:
    """Choose; the same e-graph gives the same choice."""
    best = _Extractor(model, classes, original_only=False)
    found = best.run()
    as_is = _Extractor(model, classes, original_only=True)
    before = as_is.run()
    return Choice(found, best.total(), as_is.total() if before else 0)


@dataclass(slots=True)
class _Extractor:
    model: Model
    classes: Classes
    original_only: bool
    states: dict[str, _State] = field(default_factory=dict)
    bits: dict[tuple[str, Node], int] = field(default_factory=dict)
    prices: list[int] = field(default_factory=list)
    own: dict[str, int] = field(default_factory=dict)
    steps: dict[str, list[int]] = field(default_factory=dict)

    def run(self) -> dict[str, Node]:
        """Choose to a fixed point."""
        for step, name in self.classes.of_step.items():
            self.steps.setdefault(name, []).append(step)
        readers: dict[str, list[str]] = {}
        for name, nodes in self.classes.nodes.items():
            for node in nodes:
                for child in self._children(node):
                    readers.setdefault(child, []).append(name)
        order = sorted(self.classes.nodes, key=_number)
        waiting, queued = deque(order), set(order)
        visits = dict.fromkeys(order, 0)
        while waiting:
            name = waiting.popleft()
            queued.discard(name)
            if visits[name] > VISITS or not self._update(name):
                continue
            visits[name] += 1
            for reader in readers.get(name, ()):
                if reader not in queued:
                    queued.add(reader)
                    waiting.append(reader)
        return {name: state.node for name, state in self.states.items()}

    def total(self) -> int:
        """Cost of all that the roots need."""
        needs = 0
        for step in self.model.roots:
            needs |= self.states[self.classes.of_step[step]].needs
        return self._price(needs)

    def _update(self, name: str) -> bool:
        """Choose again for one class; whether anything changed."""
        current = self.states.get(name)
        best: _State | None = None
        for node in self.classes.nodes[name]:
            state = self._state(name, node)
            if state is not None and (best is None or self._less(state, best)):
                best = state
        if best is None or (current is not None and best == current):
            return False
        self.states[name] = best
        return True

    def _state(self, name: str, node: Node) -> _State | None:
        """What choosing an e-node means; None while it cannot be computed."""
        original = self._original(name, node)
        leaf = node.operator in ("V", "K", "Id", "Nil", "Cons")
        if node.operator == "V":
            step = self.model.steps[int(node.arguments[0])]
            if step.operator:
                return None
        if self.original_only and not (original or leaf):
            return None
        children = []
        for child in self._children(node):
            found = self.states.get(child)
            if found is None:
                return None
            children.append(found)
        needs = 0
        for child_state in children:
            needs |= child_state.needs
        if needs & self.own.get(name, 0):
            return None  # it needs itself
        narrow = bool(children) and children[0].narrow
        if node.operator in ("V", "Q", "Dq"):
            narrow = node.operator == "Q" or (node.operator == "V" and step.narrow)
        bit = self._bit(name, node)
        price = FINE * weight(
            node,
            [c.node for c in children],
            bool(children) and children[0].narrow,
            original,
            self.model,
        )
        self.prices[bit] = price + (0 if original or leaf else 1)
        return _State(node, needs | 1 << bit, narrow)

    def _bit(self, name: str, node: Node) -> int:
        key = name, node
        if key not in self.bits:
            self.bits[key] = len(self.prices)
            self.prices.append(0)
            self.own[name] = self.own.get(name, 0) | 1 << self.bits[key]
        return self.bits[key]

    def _less(self, a: _State, b: _State) -> bool:
        left, right = self._price(a.needs & ~b.needs), self._price(b.needs & ~a.needs)
        if left != right:
            return left < right
        return (a.node.operator, a.node.arguments) < (b.node.operator, b.node.arguments)

    def _price(self, needs: int) -> int:
        total = 0
        while needs:  # from the top: few of many thousand bits are set, and the rest gets shorter
            top = needs.bit_length() - 1
            total += self.prices[top]
            needs ^= 1 << top
        return total

    def _children(self, node: Node) -> list[str]:
        """Classes that an e-node reads; those of a call that rules do not look into too."""
        if node.operator == "V":
            return [
                self.classes.of_step[read]
                for read in self.model.reads.get(int(node.arguments[0]), ())
            ]
        return [a for a in node.arguments if a in self.classes.nodes]

    def _original(self, name: str, node: Node) -> bool:
        """Whether a step of the model is just this e-node."""
        return any(self._is_step(step, node) for step in self.steps.get(name, ()))

    def _is_step(self, index: int, node: Node) -> bool:
        step = self.model.steps[index]
        if step.operator != node.operator:
            return False
        if step.operator == "Move":
            number, given = str(index), node.arguments
        else:
            position = 1 if step.operator == "Bin" else 0
            number = node.arguments[position]
            given = tuple(a for i, a in enumerate(node.arguments) if i != position)
        if number != str(index):
            return False
        if step.operator == "Concat":
            return True
        return all(self._meets(a, g) for a, g in zip(step.arguments, given, strict=True))

    def _meets(self, wanted: Argument, given: str) -> bool:
        if isinstance(wanted, tuple):
            kind, index = wanted
            if kind == "V":
                return self.classes.of_step[index] == given
            constant = self.classes.of_constant[index]
            if kind == "C":
                return constant == given
            return any(
                n.operator == "K" and n.arguments[0] == constant
                for n in self.classes.nodes.get(given, ())
            )
        return float(given) == wanted if isinstance(wanted, float) else given == str(wanted)


def _number(name: str) -> tuple[str, int]:
    sort, _, number = name.partition("-")
    return sort, int(number)
