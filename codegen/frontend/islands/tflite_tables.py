# SPDX-License-Identifier: Apache-2.0
"""Tables that TFLite-Micro computes with integers of its own, for the rule that rounds twice."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from accel.numerics import round_shift_twice
from codegen.frontend.arithmetic import tflite_point
from codegen.frontend.elementwise import VALUES
from codegen.frontend.expressions import op_name
from codegen.frontend.islands.scope import INT8, Quantized, Scope


def integer_table(scope: Scope, core: Any, target: Quantized) -> npt.NDArray[np.int8] | None:
    """Results for -128 to 127 where TFLite-Micro does not round the real result; else None."""
    if op_name(core) != "relax.nn.leakyrelu":
        return None
    x = scope.activation(core.args[0])
    if x is None:
        return None
    # Both factors are float32: a change of scale, and the same times alpha.
    factor, out = np.float32(x.scale[0]), np.float32(target.scale[0])
    steep = factor * np.float32(core.attrs.alpha) / out
    points = [tflite_point(np.asarray([float(f)])) for f in (factor / out, steep)]
    steps = VALUES.astype(np.int64) - x.zero_point
    if points[0] is None or points[1] is None:
        return None
    above, below = (
        round_shift_twice(steps * point.multiplier, point.shift)
        for point in points
        if point is not None
    )
    results = np.where(steps >= 0, above, below) + target.zero_point
    return np.asarray(np.clip(results, *INT8), np.int8)
