# SPDX-License-Identifier: Apache-2.0
"""A compiled program: what the driver needs to run one offloaded subgraph, and nothing else.

Memory is reached through four windows whose bases the driver chooses, so a program is relocatable:

    window     0 CONSTANTS (read)   1 INPUTS (read)   2 OUTPUTS (write)   3 SCRATCH (read, write)
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from accel.layout import Layout


class Window(IntEnum):
    """Memory windows by their use."""

    CONSTANTS = 0
    INPUTS = 1
    OUTPUTS = 2
    SCRATCH = 3


@dataclass(frozen=True, slots=True)
class Binding:
    """How an input or output tensor of the host maps to window memory.

    Host array -> `transpose(axes)` -> `reshape(layout.n, h, w, c)` -> `pack` -> window at `offset`;
    outputs go the other way.
    """

    name: str
    offset: int
    """Offset in window INPUTS or OUTPUTS, bytes."""
    layout: Layout
    host_shape: tuple[int, ...]
    """Shape of the int8 host array."""
    axes: tuple[int, ...]
    """Permutation of the host axes that gives N, ..., C order."""
    zero_point: int = 0
    """Value of the padding lanes."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One op of the neutral graph, as reports, errors and waves name it."""

    name: str
    """Unique in the program."""
    kind: str
    """conv, pool, add ..."""
    node: str
    """ONNX node(s) it came from."""
    macs: int
    """Multiply-accumulates of the op itself (no padding lanes)."""


@dataclass(frozen=True, slots=True)
class Program:
    """Commands, constants and bindings of one subgraph."""

    name: str
    config_digest: str
    """`AccelConfig.digest()` of the hardware it was compiled for."""
    words: npt.NDArray[np.uint32]
    """[commands, COMMAND_WORDS]: the encoded stream; command `i` has id `i`."""
    layer_of: tuple[int, ...]
    """For each command the index of its layer; -1 for END."""
    layers: tuple[Layer, ...]
    constants: npt.NDArray[np.uint8]
    """Packed weights and parameter records: content of window CONSTANTS."""
    inputs: tuple[Binding, ...]
    outputs: tuple[Binding, ...]
    input_bytes: int
    """Size of window INPUTS."""
    output_bytes: int
    """Size of window OUTPUTS."""
    scratch_bytes: int
    """Size of window SCRATCH."""
