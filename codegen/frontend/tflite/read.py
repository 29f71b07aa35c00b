# SPDX-License-Identifier: Apache-2.0
"""Read a TFLite file (a flatbuffer) into plain data: tensors, constants, operators."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tflite

from accel.errors import ModelError

Array = npt.NDArray[Any]
IDENTIFIER = b"TFL3"
DTYPES = {
    "FLOAT32": "float32",
    "INT32": "int32",
    "UINT8": "uint8",
    "INT64": "int64",
    "BOOL": "bool",
    "INT8": "int8",
    "INT4": "int4",
}
"""Element types that we read; others are refused where a tensor of theirs is used."""
BUILTINS = {code: name for name, code in vars(tflite.BuiltinOperator).items() if name.isupper()}


@dataclass(frozen=True, slots=True)
class Quantization:
    """real = scale * (value - zero_point)."""

    scale: npt.NDArray[np.float32]
    """[1], or a scale for each index along `axis`."""
    zero_point: npt.NDArray[np.int64]
    axis: int


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """A tensor of the graph."""

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    """NumPy's name, int4, or the name of a type that we do not read."""
    quantization: Quantization | None
    data: Array | None
    """Values of a constant; int4 as int8."""


@dataclass(frozen=True, slots=True, eq=False)
class Operator:
    """An operator of the graph."""

    index: int
    code: str
    """CONV_2D, ..., or the name of a custom one."""
    inputs: tuple[int, ...]
    """Tensors; -1: not given."""
    outputs: tuple[int, ...]
    table: Any
    """Its options as a raw flatbuffers table, None where it has none."""

    @property
    def name(self) -> str:
        """How reports name it."""
        return f"{self.code}_{self.index}"

    def options(self, kind: Any) -> Any:
        """Its options as an object of the `tflite` package, all zero where the file has none."""
        found = kind()
        if self.table is None:
            raise ModelError(f"{self.name} has no options")
        found.Init(self.table.Bytes, self.table.Pos)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """The main subgraph of a file."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def readers(self, tensor: int) -> tuple[Operator, ...]:
        """The operators that read a tensor."""
        return tuple(op for op in self.operators if tensor in op.inputs)


def read(path: Path) -> Graph:
    """Read the first subgraph of a TFLite file.

    Raises:
        ModelError: no such file, not TFLite, sparse constants or shapes that are not known.
    """
    if not path.is_file():
        raise ModelError(f"{path}: no such file")
    data = path.read_bytes()
    if data[4:8] != IDENTIFIER:
        raise ModelError(f"{path}: not a TFLite model: bytes 4 to 7 are not {IDENTIFIER.decode()}")
    try:
        model = tflite.Model.GetRootAs(data, 0)
        graph = model.Subgraphs(0)
        tensors = tuple(_tensor(model, graph, i, data) for i in range(graph.TensorsLength()))
        operators = tuple(_operator(model, graph, i) for i in range(graph.OperatorsLength()))
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
    except Exception as error:  # noqa: BLE001 (offsets of a damaged file lead anywhere)
        raise ModelError(f"{path}: not a valid TFLite model: {error!r}") from None
    return Graph(tensors, operators, _list(graph, "Inputs"), _list(graph, "Outputs"))


def _list(table: Any, field: str) -> tuple[int, ...]:
    read_one = getattr(table, field)
    return tuple(int(read_one(i)) for i in range(getattr(table, f"{field}Length")()))


def _tensor(model: Any, graph: Any, index: int, file: bytes) -> Tensor:
    table = graph.Tensors(index)
    name = (table.Name() or b"").decode(errors="replace") or f"tensor{index}"
    kinds = {code: kind for kind, code in vars(tflite.TensorType).items() if kind.isupper()}
    kind = kinds.get(table.Type(), f"type {table.Type()}")
    shape = _list(table, "Shape")
    if table.Sparsity() is not None:
        raise ModelError(f"tensor {name} is sparse; convert the model without sparsity")
    dtype = DTYPES.get(kind, kind.lower())
    raw = _bytes(model.Buffers(table.Buffer()), file)
    values = None if raw.size == 0 else _values(raw, dtype, shape, name)
    return Tensor(index, name, shape, dtype, _quantization(table.Quantization()), values)


def _bytes(buffer: Any, file: bytes) -> npt.NDArray[np.uint8]:
    """A buffer's bytes, which lie in the flatbuffer or behind it."""
    if buffer.Offset() > 1:
        return np.frombuffer(file, np.uint8, buffer.Size(), buffer.Offset())
    return np.asarray(buffer.DataAsNumpy() if buffer.DataLength() else [], np.uint8)


def _values(raw: npt.NDArray[np.uint8], dtype: str, shape: tuple[int, ...], name: str) -> Array:
    size = int(np.prod(shape))
    if dtype == "int4":
        signed = raw.view(np.int8)
        both = np.stack([(signed << 4) >> 4, signed >> 4], axis=1)  # the low half comes first
        return both.reshape(-1)[:size].reshape(shape)
    if dtype not in DTYPES.values():
        return raw
    values: Array = raw.view(np.dtype(dtype))
    if values.size != size:
        raise ModelError(f"tensor {name} has {values.size} values, its shape is {list(shape)}")
    return values.reshape(shape)


def _quantization(table: Any) -> Quantization | None:
    if table is None or not table.ScaleLength():
        return None
    scale = np.asarray(table.ScaleAsNumpy(), np.float32)
    zero = np.zeros(scale.size, np.int64)
    if table.ZeroPointLength():
        zero = np.broadcast_to(np.asarray(table.ZeroPointAsNumpy(), np.int64), scale.shape)
    return Quantization(scale, zero, int(table.QuantizedDimension()))


def _operator(model: Any, graph: Any, index: int) -> Operator:
    table = graph.Operators(index)
    entry = model.OperatorCodes(table.OpcodeIndex())
    code = max(int(entry.DeprecatedBuiltinCode()), int(entry.BuiltinCode()))
    name = BUILTINS.get(code, f"operator {code}")
    if name == "CUSTOM":
        name = (entry.CustomCode() or b"CUSTOM").decode(errors="replace")
    inputs, outputs = _list(table, "Inputs"), _list(table, "Outputs")
    return Operator(index, name, inputs, outputs, table.BuiltinOptions())
