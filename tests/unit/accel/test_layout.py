# SPDX-License-Identifier: Apache-2.0
"""Tensors keep every element on the way into their blocked layout and back."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from accel.config import load_config
from accel.layout import pack, tensor_layout, unpack

shapes = st.tuples(*(st.integers(1, top) for top in (3, 5, 7, 40)))
configs = st.sampled_from([load_config(name) for name in ("default", "tiny", "tall")])


@given(shapes, configs, st.integers(0, 99))
def test_unpack_inverts_pack(shape, config, seed) -> None:
    tensor = np.random.default_rng(seed).integers(-128, 128, shape).astype(np.int8)
    layout = tensor_layout(shape, config)
    assert (unpack(pack(tensor, layout, 5), layout) == tensor).all()


@given(shapes, configs)
def test_address_formula_holds(shape, config) -> None:
    layout = tensor_layout(shape, config)
    tensor = np.zeros(shape, np.int8)
    n, y, x, c = (size - 1 for size in shape)
    tensor[n, y, x, c] = 77
    (address,) = np.flatnonzero(pack(tensor, layout) == 77)
    row = n * shape[1] + y
    expected = (c // layout.k) * layout.plane + row * layout.pitch + x * layout.k + c % layout.k
    assert address == expected


@given(shapes, configs)
def test_rows_are_whole_beats_and_channels_whole_vectors(shape, config) -> None:
    layout = tensor_layout(shape, config)
    assert layout.pitch % config.bus_bytes == 0
    assert layout.blocks % config.words_per_vector == 0
