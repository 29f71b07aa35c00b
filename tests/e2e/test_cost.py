# SPDX-License-Identifier: Apache-2.0
"""The cost model against RTL: whole networks behind three memories, and every layer of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

from accel.config import load_config
from accel.driver import Driver
from accel.program import Program
from codegen.compile import compile_model
from codegen.cost import Bus, estimate, layer_ends
from sim.backends.open_device import open_device
from sim.memory import MODELS, MemoryModel
from sim.session import memory_bytes

CONFIG = load_config("default")
NETWORKS = ("digits", "resnet8", "ds_cnn", "mobilenet_v1_025_96", "autoencoder")
MOST_ERROR = 0.05


def errors(program: Program, memory: MemoryModel) -> tuple[float, list[float]]:
    """Relative error of the whole, and of the cycles from layer to layer over the whole."""
    inputs = [np.zeros(binding.host_shape, np.int8) for binding in program.inputs]
    size = memory_bytes([program])
    with open_device("verilator", CONFIG, memory_model=memory, memory_bytes=size) as device:
        outcome = Driver(device, CONFIG).run(program, inputs)
    assert outcome.profile is not None
    predicted = estimate(program, CONFIG, Bus(memory.latency, memory.bytes_per_cycle))
    real: dict[int, int] = {}
    for trace in outcome.profile.commands:
        layer = program.layer_of[trace.id]
        real[layer] = max(real.get(layer, 0), trace.end)
    guessed, cycles = layer_ends(predicted, program), outcome.counters.cycles
    layers = [abs(guessed[layer] / end - 1) for layer, end in real.items() if layer >= 0]
    return abs(predicted.cycles / cycles - 1), layers


def test_predictions_are_within_five_percent(network: Callable[[str], Path]) -> None:
    whole, layers = [], []
    for name in NETWORKS:
        (program,) = compile_model(network(name), CONFIG).programs.values()
        for memory in ("default", "ideal8", "slow"):
            error, by_layer = errors(program, MODELS[memory])
            whole.append(error)
            layers += by_layer
    assert max(whole) <= MOST_ERROR
    assert median(layers) <= MOST_ERROR
