# SPDX-License-Identifier: Apache-2.0
"""Keep the names of a function's results, which say which ONNX nodes they come from.

A result is bound to a variable of its own: `gv = node4x`. Passes that remove such renames leave
only that name, which says nothing, or too little.
"""

from __future__ import annotations

from typing import Any

from tvm import relax
from tvm.relax.expr_functor import PyExprMutator, mutator

from codegen.frontend.dataflow import results
from codegen.frontend.nodes import node_indices


def output_names(module: Any) -> list[str]:
    """The telling name of each result of `main`, "" where there is none."""
    body = module["main"].body
    values = {b.var: b.value for block in body.blocks for b in block.bindings}
    names = []
    for result in results(body.body, values):
        variable, name = result, ""
        while isinstance(variable, relax.Var):
            name = str(variable.name) if node_indices(str(variable.name)) else name
            variable = values.get(variable)
        names.append(name)
    return names


def name_outputs(module: Any, names: list[str]) -> Any:
    """`module`, the results of `main` called after the nodes in `names`, where these say any."""
    main = module["main"]
    values = {b.var: b.value for block in main.body.blocks for b in block.bindings}
    new = {
        result: name
        for result, name in zip(results(main.body.body, values), names, strict=True)
        if name and result in values and node_indices(name) != node_indices(str(result.name))
    }
    if new:
        module.update_func(module.get_global_var("main"), _Renamer(module, new).visit_expr(main))
    return module


@mutator
class _Renamer(PyExprMutator):
    """Gives variables new names."""

    def __init__(self, module: Any, names: dict[Any, str]) -> None:
        super().__init__(module)
        self._names = names

    def visit_var_def_(self, var: Any) -> Any:
        if var not in self._names:
            return var
        renamed = relax.Var(self._names[var], var.ty)
        self.set_var_remap(var, renamed)
        return renamed
