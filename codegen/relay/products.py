# SPDX-License-Identifier: Apache-2.0
"""int32 sums of products: convolutions, dense layers, average pools."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from tvm import relay

from codegen.frontend.arithmetic import float_error
from codegen.relay.expressions import const, op_name, values
from codegen.relay.forms import Quantized
from codegen.relay.islands import all_zero


@dataclass(frozen=True, slots=True)
class Weights:
    """Constant int8 weights."""

    values: npt.NDArray[np.int8]
    """Output channels first."""
    scale: npt.NDArray[np.float64]
    """[C], or one for all."""

    @property
    def magnitude(self) -> npt.NDArray[np.float64]:
        """[C] sum of |w|."""
        rows = np.abs(self.values.astype(np.float64)).reshape(len(self.values), -1)
        return np.asarray(rows.sum(axis=1))


def weights_of(core: Any) -> Weights | None:
    """Weights of a qnn.conv2d in NCHW, or of a qnn.dense; None where they are something else."""
    found, scale = values(core.args[1]), values(core.args[5])
    if found is None or scale is None or found.dtype != np.int8 or not all_zero(core.args[3]):
        return None
    if op_name(core) == "qnn.conv2d" and (
        core.attrs.data_layout != "NCHW"
        or core.attrs.kernel_layout != "OIHW"
        or core.attrs.out_layout not in ("", "NCHW")
    ):
        return None
    return Weights(found, scale.astype(np.float64).reshape(-1))


def summed(core: Any, x: Quantized, weights: Weights) -> Any:
    """The int32 sums of a qnn.conv2d or qnn.dense of an int8 value."""
    count = len(weights.values)
    operands = (
        x.value,
        const(weights.values, "int8"),
        const(x.zero_point, "int32"),
        const(0, "int32"),
        const(x.scale, "float32"),
        const(weights.scale if weights.scale.size > 1 else weights.scale[0], "float32"),
    )
    if op_name(core) == "qnn.dense":
        return relay.qnn.op.dense(*operands, units=count)
    a = core.attrs
    return relay.qnn.op.conv2d(
        *operands,
        kernel_size=weights.values.shape[2:],
        channels=count,
        strides=a.strides,
        padding=a.padding,
        dilation=a.dilation,
        groups=a.groups,
    )


def averaged(pool: Any, x: Quantized, channels: int) -> Any:
    """Sums of the windows of a qnn.avg_pool2d, as a depthwise convolution with ones."""
    a = pool.attrs
    kernel = tuple(int(size) for size in a.pool_size)
    return relay.qnn.op.conv2d(
        x.value,
        const(np.ones((channels, 1, *kernel)), "int8"),
        const(x.zero_point, "int32"),
        const(0, "int32"),
        const(x.scale, "float32"),
        const(1 / (kernel[0] * kernel[1]), "float32"),
        kernel_size=kernel,
        channels=channels,
        strides=a.strides,
        padding=a.padding,
        dilation=a.dilation,
        groups=channels,
    )


def overflows(weights: Weights, bias: npt.NDArray[np.int64]) -> bool:
    """Whether an int32 sum can be too large."""
    return bool((np.abs(bias.astype(np.float64)) + weights.magnitude * 255 >= 2.0**31).any())


def error_of(weights: Weights, x: Quantized, target_scale: float) -> float:
    """How far the float path can be from the exact one, in output steps."""
    terms = weights.values[0].size
    largest = max(x.zero_point + 128, 127 - x.zero_point)
    scale = np.broadcast_to(x.scale * weights.scale / target_scale, (len(weights.values),))
    return float_error(terms, largest, weights.magnitude, scale)
