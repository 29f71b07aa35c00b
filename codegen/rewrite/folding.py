# SPDX-License-Identifier: Apache-2.0
"""Values of the constants that rules made."""

from __future__ import annotations

import numpy as np

from codegen.rewrite import constants as con
from codegen.rewrite.constants import FloatArray, Weight
from codegen.rewrite.moves import Move
from codegen.rewrite.saturate import Node
from codegen.rewrite.steps import Model
from codegen.rewrite.windows import kernel


class Folder:
    """Evaluates constant terms; real values in float64."""

    def __init__(self, model: Model, chosen: dict[str, Node], moves: dict[str, Move]) -> None:
        self._model = model
        self._chosen = chosen
        self._moves = moves

    def real(self, name: str) -> FloatArray:
        """Real values of a class of constants."""
        node = self._chosen[name]
        first = node.arguments[0]
        match node.operator:
            case "Id":
                return self._model.constants[int(first)].real
            case "Value":
                return self.real(first)
            case "Moved":
                return _moved(self.real(first), self._moves[node.arguments[1]])
            case "Times":
                return np.asarray(self.real(first) * self.real(node.arguments[1]))
            case "Plus":
                return np.asarray(self.real(first) + self.real(node.arguments[1]))
            case "Minus":
                return np.asarray(-self.real(first))
            case "Inverse":
                return np.asarray(1 / self.real(first))
        raise NotImplementedError(node.operator)

    def weight(self, name: str) -> Weight | None:
        """Weights of a class of constants; None where they are none."""
        node = self._chosen[name]
        if node.operator == "Id":
            return self._model.constants[int(node.arguments[0])].weight
        if node.operator not in ("Scaled", "Kernel"):
            return None
        inner = self.weight(node.arguments[0])
        assert inner is not None, "rules make weights of weights only"
        if node.operator == "Scaled":
            return con.scaled(inner, self.real(node.arguments[1]), int(node.arguments[2]))
        if node.arguments[1] == "wide":
            return kernel(inner, self._model.cuts[int(node.arguments[2])])
        return _kernel(inner, node.arguments[1])


def _moved(values: FloatArray, move: Move) -> FloatArray:
    """A constant on the other side of a move."""
    if values.size == 1:
        return values.reshape(())
    if move.axes is not None:
        return values.transpose(move.axes)
    return values.reshape(move.constant_shape(values.shape))


def _kernel(weight: Weight, form: str) -> Weight:
    """Weights in another form of product."""
    values, scale = weight.values, weight.scale
    match form:
        case "1d":  # [O, I, K] -> [O, I, 1, K]
            return Weight(values[:, :, None, :], scale, 0)
        case "transposed":  # [O, I, 1] -> [I, O]
            return Weight(values[:, :, 0].T, scale, 1)
        case "pixel":  # [I, O] -> [O, I, 1, 1]
            return Weight(values.T[:, :, None, None], scale, 0)
        case "left":  # [O, I] -> [O, I, 1, 1]
            return Weight(values[:, :, None, None], scale, 0)
    raise NotImplementedError(form)
