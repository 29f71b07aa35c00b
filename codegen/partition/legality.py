# SPDX-License-Identifier: Apache-2.0
"""May the accelerator take this match?

Each rule's doc string is the rule, and behind "Remedy:" what to do about it; the rule returns the
reason why not, with the values, or "" when it holds.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from accel.config import AccelConfig
from codegen import ir
from codegen.fits import reason
from codegen.moves import BATCH, CHANNEL, ROW, Take
from codegen.partition.build import build
from codegen.partition.moves import MOVES, RECASTS, build_move, moved_axis, recasts, taken
from codegen.partition.values import Parts, array, dtype_of, shape_of
from codegen.partition.views import HEADS, Axes, default_axes, head_axes, shape_under
from codegen.passes.place_parts import place_parts, without_gaps
from codegen.refusal import Refusal, rule_of
from codegen.remedy import does_not_fit

RANKS = (2, 3, 4)
SPLITS = (HEADS, (0, 2, 3, 1))
"""Permutations behind [N, M, heads, C] that give heads, or transposed heads."""
RENAMES = frozenset({"reshape", "split_heads", "merge_heads"})
"""Patterns that move no data."""


def activations_are_images_or_rows(
    kind: str, parts: Parts, output: Any, config: AccelConfig
) -> str:
    """Activations are int8, and [N, C, H, W], [N, M, C] or [M, C].

    Remedy: reshape to one of these forms in the model, between quantize and dequantize.
    """
    for expr in (*(parts[key] for key in ("x", "a", "b") if key in parts), output):
        shape, dtype = shape_of(expr), dtype_of(expr)
        if len(shape) not in RANKS or dtype != "int8":
            return f"{dtype} {list(shape)} is not int8 [N, C, H, W], [N, M, C] or [M, C]"
    return ""


def _default_shape(shape: tuple[int, ...]) -> ir.Shape | None:
    return shape_under(default_axes(len(shape)), shape) if len(shape) in RANKS else None


def reshape_only_renames(kind: str, parts: Parts, output: Any, config: AccelConfig) -> str:
    """A reshape on its own only adds or drops H = W = 1; others are absorbed before dense only.

    Remedy: none is needed where it stands at the border; inside, flatten directly before dense.
    """
    if kind != "reshape":
        return ""
    before, after = shape_of(parts["x"]), shape_of(output)
    if _default_shape(before) == _default_shape(after):
        return ""
    return f"{list(before)} to {list(after)} moves data; only a flatten before dense is absorbed"


def flatten_keeps_the_batch(kind: str, parts: Parts, output: Any, config: AccelConfig) -> str:
    """A flatten before dense goes from [N, C, H, W] to [N, C * H * W].

    Remedy: use Flatten with axis = 1 before the dense layer.
    """
    if kind != "flatten_dense":
        return ""
    before, after = shape_of(parts["x"]), shape_of(output)
    whole = len(before) == 4 and prod(before[1:]) == shape_of(parts["weight"])[0]
    return "" if whole and before[0] == after[0] else f"{list(before)} is not flattened"


def matrices_are_rows(kind: str, parts: Parts, output: Any, config: AccelConfig) -> str:
    """A dense layer reads rows of channels, [M, C] or [N, M, C].

    Remedy: reshape its input to [N, M, C] in the model, or write it as a 1x1 convolution.
    """
    rank = len(shape_of(output))
    return f"a matrix of rank {rank}" if kind == "dense" and rank == 4 else ""


def heads_are_split_for_products(kind: str, parts: Parts, output: Any, config: AccelConfig) -> str:
    """Heads are split from rows: [..., H * C] to [N, H, M, C] or [N, H, C, M].

    Remedy: split heads as attention layers do: Reshape to [N, M, H, C], then Transpose to
    [N, H, M, C] or [N, H, C, M], read by a MatMul of two activations.
    """
    if kind != "split_heads":
        return ""
    before, after = shape_of(parts["x"]), shape_of(output)
    between = shape_of(parts["split"])
    axes = tuple(int(axis) for axis in parts["core"].attrs.axes or ())
    rows = len(before) in (2, 3) and len(between) == 4
    if rows and axes in SPLITS and before[-1] == between[2] * between[3]:
        return ""
    return f"{list(before)} to {list(between)} to {list(after)} splits no heads from rows"


def heads_are_merged_to_rows(kind: str, parts: Parts, output: Any, config: AccelConfig) -> str:
    """Heads are merged to rows: [N, H, M, C] to [N, M, H * C] or [N * M, H * C].

    Remedy: merge heads as attention layers do: Transpose to [N, M, H, C], then Reshape to
    [N, M, H * C], directly behind the MatMul of two activations.
    """
    if kind != "merge_heads":
        return ""
    before, after = shape_of(parts["x"]), shape_of(output)
    axes = tuple(int(axis) for axis in parts["moved"].attrs.axes or ())
    if len(before) == 4 and axes == HEADS and after[-1] == before[1] * before[3]:
        return ""
    return f"{list(before)} to {list(after)} merges no heads to rows"


def _seen_as(parts: Parts) -> Axes:
    return default_axes(len(shape_of(parts["a" if "a" in parts else "x"])))


def tensors_join_as_blocks(kind: str, parts: Parts, output: Any, config: AccelConfig) -> str:
    """Tensors are joined along channels, along rows of one image, or image after image.

    Remedy: join along one of these axes in the model; on the host a join copies.
    """
    if kind != "concat":
        return ""
    axis, shape = moved_axis(kind, parts, _seen_as(parts)), shape_of(output)
    if axis in (BATCH, CHANNEL) or (axis == ROW and shape[0] == 1):
        return ""
    where = int(parts["core"].attrs.axis)
    return f"{list(shape)} is joined along axis {where}: only channels, or rows of one image, are"


def indices_are_a_slice(kind: str, parts: Parts, output: Any, config: AccelConfig) -> str:
    """What is taken along rows or pixels ascends evenly; channels may come in any order.

    Remedy: slice with a constant step, or pick channels, in the model.
    """
    if kind != "take":
        return ""
    axes = _seen_as(parts)
    axis = moved_axis(kind, parts, axes)
    if axis is None:
        where = int(parts["core"].attrs.axis)
        return f"axis {where} of {list(shape_of(parts['x']))} is inside of rows"
    indices = taken(parts, axes)
    move = Take("", "", "", axis, indices, 0)
    if axis == CHANNEL or move.step == 1 or (move.step is not None and axis != BATCH):
        return ""
    where = int(parts["core"].attrs.axis)
    return (
        f"indices {list(indices)[:8]} along axis {where} are no slice and no repetition by a whole "
        "factor"
    )


def pixels_repeat_evenly(kind: str, parts: Parts, output: Any, config: AccelConfig) -> str:
    """A resize repeats every row and every pixel the same number of times.

    Remedy: resize by whole factors, with mode = nearest, in the model.
    """
    if kind != "repeat":
        return ""
    for key, part, axis in (("rows", "inner", 2), ("pixels", "core", 3)):
        size, indices = shape_of(parts["x"])[axis:], array(parts[key]).reshape(-1)
        if int(parts[part].attrs.axis) != axis or len(shape_of(parts["x"])) != 4:
            return f"axis {int(parts[part].attrs.axis)} is taken, not {key}"
        even = len(indices) % size[0] == 0
        if not even or (indices != np.arange(len(indices)) * size[0] // len(indices)).any():
            return (
                f"{size[0]} {key} become {len(indices)} in the order {indices[:8].tolist()} ...; "
                "resize by whole factors, every one the same number of times"
            )
    return ""


def borders_are_around_images(kind: str, parts: Parts, output: Any, config: AccelConfig) -> str:
    """A pad is around the pixels of images [N, C, H, W], not along batch or channels.

    Remedy: pad rows and columns only, or join constant channels with Concat, in the model.
    """
    if kind != "pad":
        return ""
    widths = [int(width) for width in parts["core"].attrs.pad_width]
    if len(widths) == 8 and not any(widths[:4]):
        return ""
    return f"widths {widths} around {list(shape_of(parts['x']))}"


def pixels_become_rows(kind: str, parts: Parts, output: Any, config: AccelConfig) -> str:
    """An image [N, C, H, W] becomes rows [N, H * W, C], or back; its rows lie without gaps.

    Remedy: give the image a width that fills bus beats, or set bus_bytes <= k_lanes.
    """
    if kind not in RECASTS:
        return ""
    before, after = shape_of(parts["x"]), shape_of(output)
    if not recasts(kind, parts):
        return f"{list(before)} to {list(after)} is no such change"
    shapes = (shape_under(default_axes(len(shape)), shape) for shape in (before, after))
    gaps = next((shape for shape in shapes if not without_gaps(shape, config)), None)
    if gaps is None:
        return ""
    size = gaps[2] * config.k_lanes
    return (
        f"a row of {gaps[2]} pixels takes {size} bytes, no multiple of bus_bytes = "
        f"{config.bus_bytes}; set bus_bytes <= k_lanes"
    )


def channels_are_shuffled(kind: str, parts: Parts, output: Any, config: AccelConfig) -> str:
    """A shuffle is [N, C, H, W] to [N, G, C / G, H, W], axes 1 and 2 swapped, and back.

    Remedy: shuffle channels as ShuffleNet does, or pick them with Gather, in the model.
    """
    if kind != "channel_shuffle":
        return ""
    before, between = shape_of(parts["x"]), shape_of(parts["split"])
    axes = tuple(int(axis) for axis in parts["moved"].attrs.axes or ())
    images = len(before) == 4 and before == shape_of(output)
    split = len(between) == 5 and (between[0], *between[3:]) == (before[0], *before[2:])
    if images and split and axes == (0, 2, 1, 3, 4):
        return ""
    return f"{list(before)} to {list(between)}, axes {list(axes)}, shuffles no channels"


def moves_fit_the_hardware(kind: str, parts: Parts, output: Any, config: AccelConfig) -> str:
    """Where a move copies, the copy fits the configured memories; it needs the vector unit.

    Remedy: the report names the rule of codegen/fits.py and the change of configuration.
    """
    if kind not in MOVES:
        return ""
    found = (reason(op, tensors, config) for op, tensors in copies(kind, parts, output, config))
    return next(filter(None, found), "")


def copies(
    kind: str, parts: Parts, output: Any, config: AccelConfig
) -> list[tuple[ir.Op, dict[str, ir.Tensor]]]:
    """What a move on its own copies."""
    axes = _seen_as(parts)
    names = {key: key for key in ("a", "b", "x") if key in parts}
    shapes = {**{key: shape_of(parts[key]) for key in names}, "y": shape_of(output)}
    tensors = {
        key: ir.Tensor(key, shape_under(default_axes(len(shape)), shape))
        for key, shape in shapes.items()
    }
    move = build_move(kind, parts, axes, "", names, "y", 0)
    ports = {key: ir.Port(key, tensor.shape, (0, 1, 2, 3)) for key, tensor in tensors.items()}
    inputs = tuple(ports[key] for key in names)
    graph = ir.Graph("", inputs, (ports["y"],), tensors, moves=(move,))
    placed = place_parts(graph, config)
    return [(op, placed.tensors) for op in placed.ops]


def op_fits_the_hardware(kind: str, parts: Parts, output: Any, config: AccelConfig) -> str:
    """The op's sizes fit the command fields, and its smallest tile the configured memories.

    Remedy: the report names the rule of codegen/fits.py and the change of configuration.
    """
    if kind in RENAMES | MOVES:
        return ""
    return reason(*neutral(kind, parts, output), config)


def neutral(kind: str, parts: Parts, output: Any) -> tuple[ir.Op, dict[str, ir.Tensor]]:
    """The op of a match on its own, and its tensors."""
    names = {key: key for key in ("x", "a", "b") if key in parts}
    op = build(kind, parts, ir.Source("", 0), names, "y")
    tensors = {}
    for key, expr in (*((key, parts[key]) for key in names), ("y", output)):
        shape = shape_of(expr)
        axes = head_axes(len(shape)) if kind == "batch_matmul" else default_axes(len(shape))
        tensors[key] = ir.Tensor(key, shape_under(axes, shape))
    return op, tensors


RULES: tuple[Callable[[str, Parts, Any, AccelConfig], str], ...] = (
    activations_are_images_or_rows,
    reshape_only_renames,
    flatten_keeps_the_batch,
    matrices_are_rows,
    heads_are_split_for_products,
    heads_are_merged_to_rows,
    tensors_join_as_blocks,
    indices_are_a_slice,
    pixels_repeat_evenly,
    borders_are_around_images,
    pixels_become_rows,
    channels_are_shuffled,
    moves_fit_the_hardware,
    op_fits_the_hardware,
)


def refusal(kind: str, parts: Parts, output: Any, config: AccelConfig) -> Refusal | None:
    """The rule because of which a match stays on the host; None when the accelerator takes it."""
    for rule in RULES:
        detail = rule(kind, parts, output, config)
        if detail and rule is op_fits_the_hardware:
            return does_not_fit(*neutral(kind, parts, output), config)
        if detail and rule is moves_fit_the_hardware:
            made = copies(kind, parts, output, config)
            return next(filter(None, (does_not_fit(*copy, config) for copy in made)), None)
        if detail:
            what, _, advice = detail.partition("; set ")
            return rule_of(rule).refuse(what, advice and f"set {advice}")
    return None
