# SPDX-License-Identifier: Apache-2.0
"""A compiled program: what the driver needs to run one offloaded subgraph, and nothing else.

Memory is reached through four windows whose bases the driver chooses, so a program is relocatable:

    window     0 CONSTANTS (read)   1 INPUTS (read)   2 OUTPUTS (write)   3 SCRATCH (read, write)
"""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from accel.errors import ArtifactError
from accel.isa import COMMAND_WORDS, ISA_VERSION
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


MAGIC = b"TESSERA\0"
DIGEST_BYTES = 32


def to_bytes(program: Program) -> bytes:
    """Serialize a program: magic, header length, JSON header, command words, constants, SHA-256."""
    header = {
        "isa": ISA_VERSION,
        "name": program.name,
        "config_digest": program.config_digest,
        "layer_of": list(program.layer_of),
        "layers": [asdict(layer) for layer in program.layers],
        "inputs": [asdict(binding) for binding in program.inputs],
        "outputs": [asdict(binding) for binding in program.outputs],
        "input_bytes": program.input_bytes,
        "output_bytes": program.output_bytes,
        "scratch_bytes": program.scratch_bytes,
        "commands": len(program.words),
        "constants": program.constants.size,
    }
    text = json.dumps(header, sort_keys=True).encode()
    body = b"".join(
        (
            MAGIC,
            struct.pack("<I", len(text)),
            text,
            program.words.astype("<u4").tobytes(),
            program.constants.tobytes(),
        )
    )
    return body + hashlib.sha256(body).digest()


def from_bytes(data: bytes, origin: str = "program") -> Program:
    """Read what `to_bytes` wrote.

    Args:
        data: the bytes.
        origin: where they come from, for messages.

    Raises:
        ArtifactError: no program, damaged, or for another version of the command set.
    """
    if not data.startswith(MAGIC):
        raise ArtifactError(f"{origin}: not a Tessera program")
    body, digest = data[:-DIGEST_BYTES], data[-DIGEST_BYTES:]
    if hashlib.sha256(body).digest() != digest:
        raise ArtifactError(f"{origin}: damaged or cut short; compile the model again")
    start = len(MAGIC) + 4
    stop = start + struct.unpack("<I", body[start - 4 : start])[0]
    header = json.loads(body[start:stop])
    if header["isa"] != ISA_VERSION:
        raise ArtifactError(
            f"{origin}: command set version {header['isa']}, this is {ISA_VERSION}; compile again"
        )
    size = header["commands"] * COMMAND_WORDS
    words = np.frombuffer(body, "<u4", size, stop).astype(np.uint32)
    constants = np.frombuffer(body, np.uint8, header["constants"], stop + 4 * size)
    return Program(
        name=header["name"],
        config_digest=header["config_digest"],
        words=words.reshape(-1, COMMAND_WORDS),
        layer_of=tuple(header["layer_of"]),
        layers=tuple(Layer(**layer) for layer in header["layers"]),
        constants=constants,
        inputs=tuple(_binding(b) for b in header["inputs"]),
        outputs=tuple(_binding(b) for b in header["outputs"]),
        input_bytes=header["input_bytes"],
        output_bytes=header["output_bytes"],
        scratch_bytes=header["scratch_bytes"],
    )


def _binding(fields: dict[str, Any]) -> Binding:
    return Binding(
        fields["name"],
        fields["offset"],
        Layout(**fields["layout"]),
        tuple(fields["host_shape"]),
        tuple(fields["axes"]),
        fields["zero_point"],
    )
