# SPDX-License-Identifier: Apache-2.0
"""Ops that only move values."""

from __future__ import annotations

from typing import Any

from tvm import relax

from codegen.frontend.islands.scope import Island, Quantized, Scope, op_name, shape_of


def moved(scope: Scope, island: Island) -> Any | None:
    """Reshape and transpose move int8 values just as well."""
    x = scope.activation(island.core.args[0])
    if x is None:
        return None
    if op_name(island.core) == "relax.reshape":
        result = relax.op.reshape(x.value, shape_of(island.core))
    else:
        result = relax.op.permute_dims(x.value, island.core.attrs.axes)
    same = scope.builder_.emit(result, name_hint=scope.hint(*island.parts))
    return scope.same_or_rescaled(Quantized(same, x.scale, x.zero_point, 0), island)
