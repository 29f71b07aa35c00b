# SPDX-License-Identifier: Apache-2.0
"""Why does a float op stay float? Rules that look at what is left after `integerize`.

Each rule's doc string is the rule; it returns what fails it, or "". They are asked in their order:
each takes for granted that those before it hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from codegen.frontend.dataflow import (
    Dataflow,
    arguments,
    is_constant,
    shape_text,
    short_name,
)
from codegen.frontend.elementwise import FUNCTIONS
from codegen.frontend.expressions import dtype_of
from codegen.frontend.integerize import FORMS
from codegen.frontend.islands.shapes import SHAPE_OPS
from codegen.refusal import rule_of

ELEMENTWISE = (
    "two activations of one shape, or [N, C, 1, 1] against [N, C, H, W]; or one activation "
)
ELEMENTWISE += "and constants, per channel or scalar"
WINDOWS = "windows over one or two image axes"
CONVOLUTION = "constant int8 weights with zero point 0; sums within int32"
DEMANDS = {
    "nn.conv1d": CONVOLUTION,
    "nn.conv2d": CONVOLUTION,
    "matmul": "a constant int8 matrix with zero point 0, or two activations of equal batch axes; "
    "sums within int32",
    "add": ELEMENTWISE,
    "subtract": ELEMENTWISE,
    "multiply": ELEMENTWISE,
    "divide": "a divisor that is constant, per channel or scalar",
    "mean": "image axes, from the third on",
    "nn.avg_pool1d": WINDOWS,
    "nn.avg_pool2d": WINDOWS,
    "nn.max_pool1d": WINDOWS,
    "nn.max_pool2d": WINDOWS,
    "clip": "constant bounds",
}
"""Relax operator -> what its integer form demands of shapes, attributes and values."""
SHAPES = frozenset(name.removeprefix("relax.") for name in SHAPE_OPS)
"""Ops that move out of an island, whatever it is."""
POINTWISE = (
    frozenset({"add", "subtract", "multiply", "divide", "clip", "nn.leakyrelu", "astype"})
    | {name.removeprefix("relax.") for name in FUNCTIONS}
    | SHAPES
)
"""Ops that can be part of an island behind its core, or of a table."""
FORMED = POINTWISE | {name.removeprefix("relax.") for name in FORMS} - {"dequantize"}
"""Ops that have an integer form."""
MOVES = "nothing; whether it moves data is for the rules about patterns"
TABLE = "one activation and scalars, so that a table holds its 256 results"


def demands(name: str) -> str:
    """What the integer form of a Relax operator demands, as text."""
    if name in SHAPES:
        return MOVES
    if name in DEMANDS or name in POINTWISE:
        return DEMANDS.get(name, TABLE)
    return rule_of(FORMS[f"relax.{name}"]).predicate


CORES = FORMED - POINTWISE
"""Ops that read dequantized tensors only."""
BYTES = ("int8", "uint8")
REPLACEMENTS = {
    "nn.softmax": "none in int8: behind it and before it the model is offloaded; drop a final "
    "Softmax where only the order of classes counts",
    "nn.log_softmax": "none in int8; drop it where only the order of classes counts",
    "nn.layer_norm": "none in int8; a batch normalization instead folds into the op before it",
}
"""What to do about operators without integer form, where there is more to say than in general."""


def replacement(name: str) -> str:
    """What to do about an operator without integer form, if it is special."""
    if name.endswith("1d"):
        return "write it with two image axes, one of them of size 1"
    return REPLACEMENTS.get(name, "")


def op_has_an_integer_form(variable: Any, flow: Dataflow) -> str:
    """The operator has an integer form, or is a function of one value that a table can hold.

    Remedy: replace it by ops that have one (codegen/OPS.md); where it stays, what lies before and
    behind it is still offloaded.
    """
    if short_name(flow.values[variable]) in FORMED:
        return ""
    value = flow.values[variable]
    return (
        f"float island: {flow.label(variable)} has no integer form "
        f"(relax.{short_name(value)} gives {shape_text(value)})"
    )


def result_is_quantized(variable: Any, flow: Dataflow) -> str:
    """The result reaches a QuantizeLinear, through ops that can be part of the same island.

    Remedy: quantize the tensor in between (QuantizeLinear and DequantizeLinear), or the whole model
    with --calibrate.
    """
    if any(variable.same_as(output) for output in flow.outputs):
        return "its result is an output of the model, in float"
    for reader in flow.readers.get(variable, ()):
        name = short_name(flow.values[reader])
        if name == "quantize":
            continue
        if name not in POINTWISE:
            return f"its result is read in float by {flow.label(reader)}"
        found = result_is_quantized(reader, flow)
        if found:
            return found
    return ""


def inputs_are_quantized(variable: Any, flow: Dataflow) -> str:
    """Every float input that is no constant comes from a DequantizeLinear.

    Remedy: quantize the tensor in between (QuantizeLinear and DequantizeLinear), or the whole model
    with --calibrate.
    """
    core = short_name(flow.values[variable]) in CORES
    for argument in _float_inputs(variable, flow):
        if flow.bound(argument) is argument:
            return f"{flow.label(argument)} is float"
        value = flow.bound(argument)
        while short_name(value) in SHAPES and value.args[0] in flow.values:
            value = flow.bound(value.args[0])
        follows = not core and short_name(value) in FORMED
        if short_name(value) != "dequantize" and not follows:
            return f"an input comes in float from {flow.label(argument)}"
    return ""


def scales_are_constant(variable: Any, flow: Dataflow) -> str:
    """Scales and zero points are constants.

    Remedy: quantize statically (--calibrate); scales computed at run time stay on the host.
    """
    for where, border in _borders(variable, flow):
        if not all(is_constant(flow.bound(argument)) for argument in border.args[1:3]):
            return f"{flow.label(where)} takes its scale or zero point at run time"
    return ""


def activations_have_one_scale(variable: Any, flow: Dataflow) -> str:
    """An activation has one scale and one zero point; only weights may have them per channel.

    Remedy: quantize activations per tensor.
    """
    for where, border in _borders(variable, flow):
        count = int(np.asarray(flow.bound(border.args[1]).value.numpy()).size)
        if count > 1 and not is_constant(flow.bound(border.args[0])):
            return f"{flow.label(where)} has {count} scales"
    return ""


def activations_are_bytes(variable: Any, flow: Dataflow) -> str:
    """Activations are int8 or uint8.

    Remedy: quantize to int8 or uint8; wider and narrower types run on the host.
    """
    for where, border in _borders(variable, flow):
        outside = border if short_name(border) == "quantize" else border.args[0]
        if dtype_of(outside) not in BYTES and not is_constant(flow.bound(outside)):
            return f"{flow.label(where)} converts {shape_text(outside)}"
    return ""


def weights_are_int8(variable: Any, flow: Dataflow) -> str:
    """Weights of convolutions and matrix products are int8 constants with zero point 0.

    Remedy: quantize the weights to int8, symmetric; in float they cannot be offloaded.
    """
    call = flow.values[variable]
    if short_name(call) not in ("nn.conv2d", "matmul"):
        return ""
    weight = flow.bound(call.args[1])
    while short_name(weight) in SHAPES:
        weight = flow.bound(weight.args[0])
    if is_constant(weight):
        return f"its weights are {shape_text(weight)} constants"
    if short_name(weight) == "dequantize" and is_constant(flow.bound(weight.args[0])):
        zero = np.asarray(flow.bound(weight.args[2]).value.numpy())
        if zero.any() or dtype_of(weight.args[0]) != "int8":
            return f"its weights are {shape_text(weight.args[0])}, zero point {int(zero.flat[0])}"
    return ""


def values_meet_the_form(variable: Any, flow: Dataflow) -> str:
    """Shapes, attributes and scales meet what the integer form of the operator demands.

    Remedy: change shapes, attributes or scales in the model to what the table of codegen/OPS.md
    demands of the operator.
    """
    call, name = flow.values[variable], short_name(flow.values[variable])
    shapes = ", ".join(shape_text(argument) for argument in call.args if dtype_of(argument))
    return f"{name} of {shapes}; its integer form demands: {demands(name)}"


FLOAT_RULES: tuple[Callable[[Any, Dataflow], str], ...] = (
    op_has_an_integer_form,
    result_is_quantized,
    inputs_are_quantized,
    scales_are_constant,
    activations_have_one_scale,
    activations_are_bytes,
    weights_are_int8,
    values_meet_the_form,
)
"""The last one always fails: who comes there has met all others."""


def _float_inputs(variable: Any, flow: Dataflow) -> Iterator[Any]:
    """Variables of floats that an op reads, less constants, moved or dequantized."""
    for argument in arguments(flow.values[variable]):
        value = flow.bound(argument)
        while short_name(value) in SHAPES:
            value = flow.bound(value.args[0])
        weights = short_name(value) == "dequantize" and is_constant(flow.bound(value.args[0]))
        if dtype_of(argument).startswith("float") and not weights and not is_constant(value):
            yield argument


def _borders(variable: Any, flow: Dataflow) -> Iterator[tuple[Any, Any]]:
    """The dequantize calls that an op reads, and the quantize calls that read it, directly."""
    for argument in arguments(flow.values[variable]):
        if short_name(flow.bound(argument)) == "dequantize":
            yield argument, flow.bound(argument)
    for reader in flow.readers.get(variable, ()):
        if short_name(flow.values[reader]) == "quantize":
            yield reader, flow.values[reader]
