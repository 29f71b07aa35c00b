# SPDX-License-Identifier: Apache-2.0
"""What a term costs: little where the pattern table claims it, much where data moves or MACs stay.

Only the order of magnitude matters. The table decides what is offloaded; whether a rewritten module
is kept is decided by counting that (`codegen/matching.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

from codegen.frontend.expressions import shape_of
from codegen.rewrite.saturate import Node
from codegen.rewrite.steps import Model

HOST_MACS = 2000
HOST_REDUCTION = 60
HOST_NORM = 100
"""More than the factor and the offset that it is."""
HOST_FACTOR = 30
"""A float operation with a constant, where the product before it could have absorbed it."""
COMPUTED = 10
BOUND = 10
"""A bound that the integer form does not see as a clip."""
TRANSPOSE, RESHAPE, RENAME = 20, 6, 2
FLOAT_MOVE = 2
"""A move of floats splits an island; it costs so many times one of int8 values."""
PRODUCT, ELEMENT = 5, 3
PRODUCTS = ("Conv2d", "Matmul", "Parts")
FIXED = {
    "Conv1d": HOST_MACS,
    "Parts": PRODUCT,
    "Sum": HOST_REDUCTION,
    "Norm": HOST_NORM,
    "Windows": 2 * TRANSPOSE,
    "Un": ELEMENT,
    "Keep": ELEMENT,
    "Concat": ELEMENT,
    "Clip": 1,
}
"""Costs that need no look around, by constructor."""


def weight(node: Node, children: Sequence[Node], narrow: bool, original: bool, model: Model) -> int:
    """Cost of one e-node, without what it reads.

    Args:
        node: the e-node.
        children: what was chosen for the classes that it reads.
        narrow: whether the first of them is an int8 value.
        original: whether the node is as the model has it.
        model: its steps.
    """
    match node.operator:
        case "Conv2d" | "Matmul":
            return HOST_MACS if _stays(node, children, original, model) else PRODUCT
        case "Mean":
            leaf = children[0].operator == "Dq"
            return ELEMENT if leaf and node.arguments[2] == "2,3" else HOST_REDUCTION
        case "Pool":
            return HOST_REDUCTION if _odd_pool(node, model) else ELEMENT
        case "Bin":
            return _binary(node, children)
        case "Move":
            return _move(node.arguments[0]) * (1 if narrow else FLOAT_MOVE)
        case "K":
            raw = children[0].operator == "Id"
            return (
                COMPUTED if raw and model.constants[int(children[0].arguments[0])].computed else 0
            )
    return FIXED.get(node.operator, 0)


def _stays(node: Node, children: Sequence[Node], original: bool, model: Model) -> bool:
    """Whether no pattern takes a product: an operand is float, or the form is an odd one."""
    number = int(node.arguments[0])
    if number in model.cuts or any(child.operator not in ("Dq", "K") for child in children):
        return True
    if node.operator == "Conv2d" or not original:
        return False
    left, right = children
    rank = len(shape_of(model.steps[number].call.args[0]))
    return left.operator == "K" or (right.operator == "K" and rank > 3)


def _odd_pool(node: Node, model: Model) -> bool:
    attributes = model.steps[int(node.arguments[0])].call.attrs
    image = len(attributes.pool_size) == 2
    return node.arguments[1] == "" and not (image and not attributes.ceil_mode)


def _binary(node: Node, children: Sequence[Node]) -> int:
    name, (left, right) = node.arguments[0], children
    if name in ("maximum", "minimum"):
        return BOUND
    if left.operator == "K":
        return HOST_FACTOR + 1
    if right.operator != "K":
        leaves = left.operator == right.operator == "Dq"
        return ELEMENT if leaves else HOST_FACTOR
    return 1 if name == "add" and left.operator in PRODUCTS else HOST_FACTOR


def _move(name: str) -> int:
    kind, *shapes = name.split(" ")
    if kind == "permute":
        return TRANSPOSE
    source, target = ([s for s in shape.split(",") if s != "1"] for shape in shapes)
    return RENAME if source == target else RESHAPE
