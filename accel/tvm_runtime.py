# SPDX-License-Identifier: Apache-2.0
"""The packed function `tessera.run` that compiled artifacts call; the only TVM import in `accel`.

It is the same for artifacts of Relax (TVM 0.27, tvm_ffi) and of Relay (TVM 0.19, which has no
tvm_ffi): both hand over a program and tensors.

An artifact calls it with the bytes of a program and with its input and output tensors. Who executes
the program is decided here, by `bind`: the artifact knows nothing of devices.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from accel.program import DIGEST_BYTES, Program, from_bytes

Arrays = Sequence[npt.NDArray[np.int8]]
Runner = Callable[[Program, Arrays], Arrays]
"""Executes a program: (program, inputs) -> outputs."""

SYMBOL = "tessera.run"


@contextlib.contextmanager
def bind(runner: Runner) -> Iterator[None]:
    """Let artifacts run on `runner` inside the `with` block."""
    programs: dict[bytes, Program] = {}

    def run(blob: Any, *tensors: Any) -> None:
        data = _view(blob, np.uint8)
        digest = data[-DIGEST_BYTES:].tobytes()
        if digest not in programs:
            programs[digest] = from_bytes(data.tobytes(), "artifact")
        program = programs[digest]
        arrays = [_view(tensor, np.int8) for tensor in tensors]
        count = len(program.inputs)
        results = runner(program, [np.array(array) for array in arrays[:count]])
        for array, result in zip(arrays[count:], results, strict=True):
            array[...] = result

    def unbound(*_: Any) -> None:
        raise RuntimeError("no driver is bound: run artifacts inside accel.tvm_runtime.bind(...)")

    _register(run)
    try:
        yield
    finally:
        _register(unbound)


def _register(function: Callable[..., None]) -> None:
    if importlib.util.find_spec("tvm_ffi") is not None:
        import tvm_ffi

        tvm_ffi.register_global_func(SYMBOL, function, override=True)
    else:
        import tvm

        tvm.register_func(SYMBOL, function, override=True)


def _view(tensor: Any, kind: type[np.generic]) -> npt.NDArray[Any]:
    """Writable NumPy view of a TVM tensor. Goes by its address: borrowed tensors know no DLPack."""
    shape = tuple(int(size) for size in tensor.shape)
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(kind).itemsize
    data = memoryview((ctypes.c_uint8 * size).from_address(_address(tensor)))
    return np.frombuffer(data, np.dtype(kind)).reshape(shape)


def _address(tensor: Any) -> int:
    if hasattr(tensor, "data_ptr"):
        return int(tensor.data_ptr())
    borrowed = tensor.handle.contents  # the DLTensor of TVM 0.19
    return int(borrowed.data) + int(borrowed.byte_offset)
