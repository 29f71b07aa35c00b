# SPDX-License-Identifier: Apache-2.0
"""Programs survive serialization; damaged ones are refused with a reason."""

import numpy as np
import pytest

from accel.codec import Instruction, encode
from accel.config import AccelConfig
from accel.errors import ArtifactError
from accel.layout import tensor_layout
from accel.program import Binding, Layer, Program, from_bytes, to_bytes


def small_program() -> Program:
    config = AccelConfig()
    layout = tensor_layout((1, 2, 3, 4), config)
    binding = Binding("x", 64, layout, (1, 4, 2, 3), (0, 2, 3, 1), -5)
    return Program(
        "p",
        config.digest(),
        np.stack([encode(Instruction("END", {"id": 0}))]),
        (-1,),
        (Layer("conv_0", "conv", "Conv_1+Relu_2", 99),),
        np.arange(64, dtype=np.uint8),
        (binding,),
        (binding,),
        256,
        512,
        1024,
    )


def test_round_trip() -> None:
    program = small_program()
    again = from_bytes(to_bytes(program))
    assert again.words.tolist() == program.words.tolist()
    assert again.constants.tolist() == program.constants.tolist()
    for name in ("name", "config_digest", "layer_of", "layers", "inputs", "outputs", "input_bytes"):
        assert getattr(again, name) == getattr(program, name)


def test_serialization_is_deterministic() -> None:
    assert to_bytes(small_program()) == to_bytes(small_program())


@pytest.mark.parametrize("position", [0, 9, 40, -40, -1])
def test_any_changed_byte_is_found(position: int) -> None:
    data = bytearray(to_bytes(small_program()))
    data[position] ^= 1
    with pytest.raises(ArtifactError, match=r"file\.bin: (not a Tessera program|damaged)"):
        from_bytes(bytes(data), "file.bin")


def test_truncation_is_found() -> None:
    with pytest.raises(ArtifactError, match="damaged or cut short"):
        from_bytes(to_bytes(small_program())[:-10])
