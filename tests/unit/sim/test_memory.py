# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from accel.errors import ConfigError
from sim.memory import MODELS, MemoryModel, parse_memory


@pytest.mark.parametrize("name", MODELS)
def test_names_give_their_model(name: str) -> None:
    assert parse_memory(name) == MODELS[name]


def test_settings_change_the_named_model() -> None:
    assert parse_memory("random,seed=7,latency=0x10") == MemoryModel(
        latency=16, stall=MODELS["random"].stall, seed=7
    )


def test_settings_alone_change_the_default() -> None:
    assert parse_memory("bytes_per_cycle=2.5") == MemoryModel(bytes_per_cycle=2.5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("turbo", "no memory model turbo; there are default, ideal8"),
        ("default,speed=3", "no memory setting speed; there are latency"),
        ("latency=soon", "'soon' is not a number"),
        ("latency=-1", "latency=-1: must be 0 or more"),
        ("stall=1", "stall=1.0: must be at least 0 and below 1"),
        ("bytes_per_cycle=0", "bytes_per_cycle=0.0: must be above 0"),
        ("seed=-3", "seed=-3: must be 0 or more"),
        ("default,faults=1", "no memory setting faults"),
    ],
)
def test_refuses_what_it_does_not_know(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_memory(text)
    assert message in str(caught.value)
