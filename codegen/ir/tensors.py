# SPDX-License-Identifier: Apache-2.0
"""Tensors of the neutral graph, and which lie in which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from accel.banks import Gather

Shape = tuple[int, int, int, int]
"""[N, H, W, C]"""


@dataclass(frozen=True, slots=True)
class Part:
    """A tensor that lies inside another one (set by passes/place_parts.py)."""

    whole: str
    channel: int = 0
    """Its first channel is this one of the whole, a multiple of K."""
    row: int = 0
    """The same for rows, which count through all images."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """An int8 activation."""

    name: str
    shape: Shape
    """[N, H, W, C]"""
    zero_point: int = 0
    packed: bool = False
    """Its few channels lie without a gap between pixels (set by passes/choose_feeds.py)."""
    gathers: tuple[Gather, ...] = ()
    """Rows that its readers need in different banks (set by passes/choose_feeds.py); those of a
    whole hold for its parts."""
    part: Part | None = None


@dataclass(frozen=True, slots=True)
class Port:
    """A graph input or output as the host sees it: `host.transpose(axes).reshape(tensor.shape)`."""

    tensor: str
    host_shape: tuple[int, ...]
    axes: tuple[int, ...]


def whole_of(name: str, tensors: Mapping[str, Tensor]) -> str:
    """The tensor in which `name` lies, itself if it is no part."""
    part = tensors[name].part
    return name if part is None else whole_of(part.whole, tensors)


def families(tensors: Mapping[str, Tensor]) -> dict[str, frozenset[str]]:
    """For every tensor that is a part or has some: all that share its bytes or its whole."""
    members: dict[str, set[str]] = {}
    for name in tensors:
        members.setdefault(whole_of(name, tensors), set()).add(name)
    found = [frozenset(group) for group in members.values() if len(group) > 1]
    return {name: group for group in found for name in group}
