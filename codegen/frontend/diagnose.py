# SPDX-License-Identifier: Apache-2.0
"""Say of every op that stays on the host which rule keeps it there."""

from __future__ import annotations

from typing import Any

from tvm.ir import Call, GlobalVar

from codegen.frontend.dataflow import Dataflow, arguments, shape_text, short_name
from codegen.frontend.expressions import dtype_of
from codegen.frontend.float_rules import FLOAT_RULES, op_has_an_integer_form, replacement
from codegen.refusal import Refusal, rule_of

FEED_INT8 = "none is needed; or leave it out of the model, and feed the int8 values it would give"
READ_INT8 = "none is needed; or leave it out of the model, and read the int8 values before it"


def neighbours_are_integer(variable: Any, flow: Dataflow) -> tuple[str, str]:
    """A conversion between float and int8 goes where both of its sides are offloaded.

    Remedy: admit the float op on its other side; its own entry says how.
    """
    call = flow.values[variable]
    if short_name(call) == "quantize":
        source, inside = call.args[0], call.args[0] in flow.values
        return f"border: it converts {flow.label(source)} from float", "" if inside else FEED_INT8
    if any(variable.same_as(output) for output in flow.outputs):
        return "border: it converts an output of the model to float", READ_INT8
    readers = ", ".join(dict.fromkeys(flow.label(r) for r in flow.readers.get(variable, ())))
    return f"border: its result is read in float by {readers or 'nobody'}", ""


def dataflow_is_in_the_pattern_table(variable: Any, flow: Dataflow) -> tuple[str, str]:
    """int8 dataflow matches a pattern of codegen/partition/patterns.py.

    Remedy: write it with the ops of codegen/OPS.md; the host computes the same int8 values.
    """
    call = flow.values[variable]
    given = ", ".join(shape_text(argument) for argument in arguments(call))
    return f"{short_name(call)} of {given} to {shape_text(call)} matches no pattern", ""


def tensors_are_int8(variable: Any, flow: Dataflow) -> tuple[str, str]:
    """Results are int8 tensors.

    Remedy: none where indices, shapes or conditions are computed; requantize data to int8
    (QLinearConv, QLinearMatMul or Q/DQ instead of ConvInteger, MatMulInteger).
    """
    return f"{flow.label(variable)} gives {shape_text(flow.values[variable])}", ""


HOST_RULES = (neighbours_are_integer, dataflow_is_in_the_pattern_table, tensors_are_int8)


def diagnose(flow: Dataflow) -> dict[int, Refusal]:
    """ONNX node -> why its op is still in `main`, for all ops left there."""
    found: dict[int, Refusal] = {}
    for variable, value in flow.values.items():
        nodes = flow.made_by.get(variable, ())
        if isinstance(value, Call) and not isinstance(value.op, GlobalVar) and nodes:
            why = _why(variable, flow)
            found |= {index: why for index in nodes if index not in found}
    return found


def _why(variable: Any, flow: Dataflow) -> Refusal:
    call = flow.values[variable]
    name, dtype = short_name(call), dtype_of(call)
    if name in ("quantize", "dequantize"):
        return rule_of(neighbours_are_integer).refuse(*neighbours_are_integer(variable, flow))
    if dtype in ("int8", "uint8"):
        rule = rule_of(dataflow_is_in_the_pattern_table)
        return rule.refuse(*dataflow_is_in_the_pattern_table(variable, flow))
    if not dtype.startswith("float"):
        return rule_of(tensors_are_int8).refuse(*tensors_are_int8(variable, flow))
    for predicate in FLOAT_RULES:
        detail = predicate(variable, flow)
        if detail:
            special = predicate is op_has_an_integer_form
            return rule_of(predicate).refuse(detail, replacement(name) if special else "")
    raise AssertionError("the last float rule always fails")
