# SPDX-License-Identifier: Apache-2.0
"""What ran, and how results differ; nothing here knows which TVM gave them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from accel.driver import Driver, Outcome
from accel.program import Program
from codegen.frontend.onnx_reference import open_session

Arrays = list[npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Call:
    """One execution of an offloaded region."""

    symbol: str
    program: Program
    inputs: tuple[npt.NDArray[np.int8], ...]
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Difference:
    """How two sets of outputs differ."""

    elements: int
    mismatched: int
    largest: float

    @property
    def same(self) -> bool:
        """No element differs."""
        return self.mismatched == 0


@dataclass(frozen=True, slots=True)
class Culprit:
    """The first layer whose result is wrong."""

    symbol: str
    layer: str
    node: str
    mismatched: int
    elements: int
    where: tuple[int, ...]
    """[n, y, x, c] of the first wrong element."""
    got: int
    expected: int

    def __str__(self) -> str:
        return (
            f"first wrong layer: {self.layer} (ONNX node {self.node}) of {self.symbol}: "
            f"{self.mismatched} of {self.elements} elements differ, the first at "
            f"[n, y, x, c] = {list(self.where)}: {self.got} instead of {self.expected}"
        )


def difference(a: Sequence[npt.NDArray[Any]], b: Sequence[npt.NDArray[Any]]) -> Difference:
    """Compare output by output."""
    gaps = [np.abs(x.astype(np.float64) - y.astype(np.float64)) for x, y in zip(a, b, strict=True)]
    return Difference(
        sum(gap.size for gap in gaps),
        sum(int(np.count_nonzero(gap)) for gap in gaps),
        max((float(gap.max()) for gap in gaps if gap.size), default=0.0),
    )


def recorder(
    driver: Driver, calls: list[Call]
) -> Callable[[Program, Sequence[npt.NDArray[np.int8]]], tuple[npt.NDArray[np.int8], ...]]:
    """Runs programs on `driver` for an artifact, and appends every call to `calls`."""

    def run(
        program: Program, tensors: Sequence[npt.NDArray[np.int8]]
    ) -> tuple[npt.NDArray[np.int8], ...]:
        outcome = driver.run(program, tensors)
        calls.append(Call(program.name, program, tuple(tensors), outcome))
        return outcome.outputs

    return run


def run_onnxruntime(model: bytes, inputs: Mapping[str, npt.NDArray[Any]]) -> Arrays:
    """Execute the ONNX file with onnxruntime."""
    return list(open_session(model).run(None, dict(inputs)))
