# SPDX-License-Identifier: Apache-2.0
"""The configuration change that a refusal names admits the op, and no smaller one does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from accel.config import AccelConfig
from accel.errors import ConfigError
from codegen import ir
from codegen.fits import CHECKS, OF_THE_MODEL, reason
from codegen.refusal import rule_of
from codegen.remedy import admitting, does_not_fit
from tests.unit.codegen.graphs import CRAMPED, DEFAULT, TINY, Builder

POINT = ir.Window2d((1, 1))


def conv(shape: ir.Shape, channels: int, window: ir.Window2d) -> Builder:
    builder = Builder()
    builder.conv(builder.input(shape), channels, window)
    return builder


def refused(op: ir.Op, tensors: dict[str, ir.Tensor], config: AccelConfig, change) -> bool:
    try:
        return reason(op, tensors, replace(config, **change)) != ""
    except ConfigError:
        return True


@pytest.mark.parametrize(
    ("shape", "window", "config", "rule", "change"),
    [
        (
            (1, 1, 600, 16),
            POINT,
            CRAMPED,
            "output_row_fits_the_activation_sram",
            {"act_kib": 32},
        ),
        (
            (1, 1, 40, 16),
            ir.Window2d((1, 40)),
            replace(DEFAULT, weight_kib=8),
            "weight_chunk_fits_twice",
            {"weight_kib": 32},
        ),
        (  # two memories at once
            (1, 1, 33, 20),
            ir.Window2d((1, 33)),
            replace(CRAMPED, act_kib=1),
            "weight_chunk_fits_twice",
            {"act_kib": 2, "weight_kib": 32},
        ),
        (  # lanes that go together
            (1, 1, 1, 16400),
            POINT,
            replace(TINY, act_kib=64),
            "channel_blocks_fit_the_command_field",
            {"k_lanes": 8, "n_lanes": 8},
        ),
    ],
)
def test_the_smallest_change_that_admits(
    shape: ir.Shape,
    window: ir.Window2d,
    config: AccelConfig,
    rule: str,
    change: dict[str, int],
) -> None:
    builder = conv(shape, 4, window)
    op, tensors = builder.ops[0], builder.tensors
    refusal = does_not_fit(op, tensors, config)
    assert refusal is not None
    assert refusal.rule == rule
    assert admitting(op, tensors, config) == change
    assert not reason(op, tensors, replace(config, **change))
    for name, value in change.items():
        assert f"{name} = {value} (now {getattr(config, name)})" in refusal.remedy
        assert refused(op, tensors, config, {**change, name: getattr(config, name)})


def test_a_switch_is_turned() -> None:
    builder = Builder()
    builder.pool(builder.input((1, 4, 4, 16)), ir.PoolKind.MAX, ir.Window2d((2, 2)))
    refusal = does_not_fit(builder.ops[0], builder.tensors, replace(DEFAULT, vector=False))
    assert refusal is not None
    assert refusal.rule == "vector_unit_is_built"
    assert refusal.remedy == "set vector = true (now false) in the configuration"


def test_what_no_configuration_admits_has_a_remedy_in_the_model() -> None:
    builder = conv((1, 300, 20, 4), 4, ir.Window2d((256, 1)))
    refusal = does_not_fit(builder.ops[0], builder.tensors, DEFAULT)
    assert refusal is not None
    assert refusal.detail == "kernel_h = 256 is above the command field's limit of 255"
    assert refusal.remedy.startswith("no configuration helps; in the model, split the op")


def test_what_fits_needs_no_remedy() -> None:
    builder = conv((1, 4, 4, 16), 16, POINT)
    assert does_not_fit(builder.ops[0], builder.tensors, DEFAULT) is None


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_rules_say_what_must_hold_and_what_to_do(check) -> None:
    rule = rule_of(check)
    assert rule.predicate.endswith(".")
    assert rule.remedy
    assert ("no configuration" in rule.remedy) == (check in OF_THE_MODEL)
