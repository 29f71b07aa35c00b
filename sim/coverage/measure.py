# SPDX-License-Identifier: Apache-2.0
"""Compile a network, run it on the functional model, and compare it with everything there is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

import numpy as np

from accel.config import AccelConfig
from accel.device import Device
from accel.model.device import ModelDevice
from codegen.choices import Choices
from codegen.compile import Compiled, compile_model
from codegen.explanation import HOST, NodeFate
from sim.accuracy import Accuracy, judge
from sim.compare import Difference, export_and_load
from sim.relax_model import RelaxModel, macs_of
from sim.session import Result, run_model

CONVERSIONS = frozenset({"QuantizeLinear", "DequantizeLinear"})
Status = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Left:
    """Nodes of one kind that stay on the host for one reason."""

    op: str
    count: int
    why: str
    """Of the first of them; the values in it may differ for others."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What became of a network."""

    network: str
    ops: int
    """ONNX nodes other than conversions between float and int8."""
    macs: int
    offloaded: dict[str, int]
    """Multiply-accumulates on the accelerator, by how patterns were matched."""
    regions: int
    left: tuple[Left, ...]
    """Without conversions."""
    conversions: int
    """Conversions between float and int8 that the host does at the borders of regions."""
    elements: int
    """Of the outputs."""
    tvm_host: Difference
    """From TVM's host execution of the integer form: none, or something is wrong."""
    float_form: Difference
    """From TVM's host execution of the float QDQ form."""
    onnxruntime: Difference
    span: float
    """Largest less smallest output value, to judge differences by."""
    accuracy: Accuracy | None
    """None where nothing is labelled."""
    seconds: float
    """Wall time of all of it."""
    offloaded_ops: dict[str, int] = field(default_factory=dict)
    """Ops of the accelerator, by how patterns were matched."""


def measure(
    path: Path, config: AccelConfig, matches: Sequence[str], samples: int, status: Status
) -> Coverage:
    """Measure one network.

    Args:
        path: an ONNX file; NAME.npz beside it is the input, NAME_test.npz is labelled.
        config: the hardware.
        matches: ways to match patterns (`codegen.choices.MATCHES`); the last one is what runs.
        samples: number of labelled samples to judge, at most.
        status: told of the progress.
    """
    started = perf_counter()
    offloaded, ops = {}, {}
    for match in matches:
        status(f"compiling, {match} matching")
        compiled = compile_model(path, config, Choices(match=match), status)
        offloaded[match] = compiled.explanation.offloaded_macs
        ops[match] = compiled.coverage.ops
    status("exporting the artifact")
    artifact = export_and_load(compiled)
    status("running and comparing")
    sample = path.with_suffix(".npz")
    given = sample if sample.is_file() else None

    def device(size: int) -> AbstractContextManager[Device]:
        return ModelDevice(config, size)

    result = run_model(RelaxModel(path, compiled), artifact, config, device, given, 0)
    test = path.with_name(f"{path.stem}_test.npz")
    accuracy = None
    if samples and test.is_file():
        status(f"judging up to {samples} samples")
        accuracy = judge(path, test, compiled, artifact, config, limit=samples)
    seconds = perf_counter() - started
    return _coverage(path.stem, compiled, offloaded, ops, result, accuracy, seconds)


def _coverage(
    network: str,
    compiled: Compiled,
    offloaded: dict[str, int],
    ops: dict[str, int],
    result: Result,
    accuracy: Accuracy | None,
    seconds: float,
) -> Coverage:
    nodes = compiled.explanation.nodes
    host = [fate for fate in nodes if fate.where == HOST]
    return Coverage(
        network,
        sum(fate.op not in CONVERSIONS for fate in nodes),
        macs_of(compiled),
        offloaded,
        len(compiled.programs),
        grouped([fate for fate in host if fate.op not in CONVERSIONS]),
        sum(fate.op in CONVERSIONS for fate in host),
        result.difference.elements,
        result.difference,
        result.other["float QDQ form on TVM host"],
        result.other["onnxruntime"],
        max((float(np.ptp(output)) for output in result.outputs if output.size), default=0.0),
        accuracy,
        seconds,
        ops,
    )


def grouped(fates: Sequence[NodeFate]) -> tuple[Left, ...]:
    """Nodes by operator and reason, the most frequent first."""
    counts: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], str] = {}
    for fate in fates:
        rule = fate.op, fate.why.partition(":")[0]
        counts[rule] += 1
        examples.setdefault(rule, fate.why)
    return tuple(Left(rule[0], count, examples[rule]) for rule, count in counts.most_common())
