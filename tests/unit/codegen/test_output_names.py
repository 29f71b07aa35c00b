# SPDX-License-Identifier: Apache-2.0
"""Results of a function are called after the nodes that make them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from tvm import IRModule, relax

from codegen.frontend.output_names import name_outputs, output_names

NODE, OTHER = "node4x", "node7x"


def module(*made: str, dtype: str = "int8", count: int = 1, alias: bool = False) -> IRModule:
    """`main` gives `count` results, one behind the other, each computed under the name `made`."""
    x = relax.Var("x", relax.TensorType((4,), dtype))
    builder = relax.BlockBuilder()
    with builder.function("main", [x]):
        with builder.dataflow():
            found = [builder.emit(relax.op.add(x, x), name_hint=name) for name in made]
            value = found[0] if count == 1 else relax.Tuple(found)
            if alias:
                value = builder.emit(value, name_hint="renamed")
            result = builder.emit_output(value)
        builder.emit_func_output(result)
    return builder.get()


def bound(found: IRModule) -> list[str]:
    """Variables of `main` in the order of execution."""
    blocks = found["main"].body.blocks
    return [str(binding.var.name) for block in blocks for binding in block.bindings]


def simplified(found: IRModule) -> IRModule:
    """What the integer form goes through: renames are removed."""
    return relax.transform.DeadCodeElimination()(relax.transform.RemoveUnusedOutputs()(found))


@pytest.mark.parametrize("dtype", ["int8", "uint8", "float32"])
def test_a_single_result_has_its_name_again(dtype: str) -> None:
    given = module(NODE, dtype=dtype)
    kept = simplified(given)
    assert bound(kept) == ["gv"]
    assert bound(name_outputs(kept, output_names(given))) == [NODE]


@pytest.mark.parametrize("alias", [False, True])
@pytest.mark.parametrize("names", [(NODE, OTHER), (NODE, "lv")])
def test_each_field_of_a_tuple_has_a_name(names: Sequence[str], alias: bool) -> None:
    given = module(*names, count=2, alias=alias)
    assert output_names(given) == [NODE, OTHER if OTHER in names else ""]
    named = name_outputs(simplified(given), output_names(given))
    assert bound(named)[:2] == list(names)


def test_what_has_no_telling_name_stays_as_it_is() -> None:
    given = module("lv")
    assert output_names(given) == [""]
    kept = simplified(given)
    assert name_outputs(kept, [""]) is kept


def test_a_name_that_says_the_same_stays() -> None:
    given = module(NODE)
    named = name_outputs(simplified(given), [NODE])
    assert bound(name_outputs(named, [f"{NODE}1"])) == [NODE]
