# SPDX-License-Identifier: Apache-2.0
"""What building a network yields, and how it reports its progress."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import onnx

Array: TypeAlias = npt.NDArray[Any]
FloatArray: TypeAlias = npt.NDArray[np.float32]
Progress: TypeAlias = Callable[[str, float], None]
"""Called with what is being done and the fraction of the whole that is done, 0 to 1."""


class BuildError(Exception):
    """A network cannot be built; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Network:
    """A network with everything needed to run and judge it."""

    float_model: onnx.ModelProto
    """The float32 model, preprocessed: constants folded, shapes inferred, batch 1."""
    model: onnx.ModelProto
    """The same as int8 QDQ."""
    sample: Mapping[str, Array]
    """One input per ONNX input name; may hold `labels` besides."""
    data: Mapping[str, Mapping[str, Array]] = field(default_factory=dict)
    """Further arrays to save: `{"test": {...}}` becomes `NAME_test.npz`."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """Measured values worth keeping, such as accuracies."""


def silent(step: str, done: float) -> None:
    """A progress report that goes nowhere."""
    del step, done
