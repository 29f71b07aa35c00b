# SPDX-License-Identifier: Apache-2.0
"""Inputs of a run: from an .npz file, or random from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from accel.errors import ModelError
from accel.program import Program
from codegen.frontend.samples import Array, read_arrays

if TYPE_CHECKING:
    from codegen.compile import Compiled


@dataclass(frozen=True, slots=True)
class InputSpec:
    """An input that a model or program takes."""

    name: str
    shape: tuple[int, ...]
    dtype: str


def read_inputs(path: Path, specs: Sequence[InputSpec]) -> list[Array]:
    """Read the inputs from an .npz file, by name; other arrays in it are ignored.

    Raises:
        ModelError: no such file, an input is missing, or has another shape or type.
    """
    found = read_arrays(path, [spec.name for spec in specs])
    for spec in specs:
        array = found[spec.name]
        if array.shape != spec.shape or array.dtype.name != spec.dtype:
            raise ModelError(
                f"{path}: {spec.name} is {array.dtype.name} {list(array.shape)}, the model takes "
                f"{spec.dtype} {list(spec.shape)}"
            )
    return [found[spec.name] for spec in specs]


def random_inputs(specs: Sequence[InputSpec], seed: int) -> list[Array]:
    """Normal floats, integers over their whole range; the same for the same seed."""
    random = np.random.default_rng(seed)
    arrays: list[Array] = []
    for spec in specs:
        kind = np.dtype(spec.dtype)
        if kind.kind == "f":
            arrays.append(random.standard_normal(spec.shape).astype(kind))
        else:
            info = np.iinfo(kind)
            arrays.append(random.integers(info.min, info.max, spec.shape, kind, endpoint=True))
    return arrays


def inputs_for(specs: Sequence[InputSpec], path: Path | None, seed: int) -> list[Array]:
    """Inputs from a file, or random without one."""
    return random_inputs(specs, seed) if path is None else read_inputs(path, specs)


def input_specs(compiled: Compiled) -> list[InputSpec]:
    """What a model takes that was compiled through Relax."""
    return [
        InputSpec(str(p.name), tuple(int(size) for size in p.ty.shape), str(p.ty.dtype))
        for p in compiled.imported.module["main"].params
    ]


def model_inputs(compiled: Compiled, path: Path | None, seed: int) -> list[Array]:
    """Inputs of a model that was compiled through Relax, in order."""
    return inputs_for(input_specs(compiled), path, seed)


def program_inputs(program: Program, path: Path | None, seed: int) -> list[npt.NDArray[np.int8]]:
    """Inputs of a bare program, in order."""
    specs = [InputSpec(binding.name, binding.host_shape, "int8") for binding in program.inputs]
    return inputs_for(specs, path, seed)


def artifact_inputs(names: Sequence[str], path: Path) -> list[Array]:
    """Inputs of an artifact, which knows their names only.

    Raises:
        ModelError: no such file, or an input is missing.
    """
    found = read_arrays(path, names)
    return [found[name] for name in names]
