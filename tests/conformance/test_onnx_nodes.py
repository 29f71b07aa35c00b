# SPDX-License-Identifier: Apache-2.0
"""ONNX's own backend tests of quantized networks' operators, through the whole compile path.

Unmodified TVM passes 133 of them, 149 with constant weights (python -m sim.conformance --baseline).
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from accel.config import AccelConfig
from sim.conformance.__main__ import main
from sim.conformance.cases import Case, collect, with_constants
from sim.conformance.execute import run_kit, run_tvm
from sim.conformance.light import light_case, names
from sim.conformance.quantized import as_int8
from sim.conformance.report import Row, to_json

CASES = collect()
NEEDS_CONSTANTS = {"Reshape", "Pad"}
"""Their shapes must be known when compiling."""


def test_every_case_is_there() -> None:
    """The same selection as the baseline's."""
    assert len(CASES) == 181
    assert sum(case.operator in NEEDS_CONSTANTS for case in CASES) == 16


@pytest.mark.parametrize("operator", sorted({case.operator for case in CASES}))
def test_operator(operator: str) -> None:
    """All pass with constants and as islands; at run time all whose shapes are known."""
    for case in CASES:
        if case.operator == operator:
            fixed = with_constants(case)
            assert run_kit(fixed, AccelConfig()).reason == ""
            island = as_int8(case)
            if island is not None:
                assert run_kit(island, AccelConfig()).reason == ""
            if operator in NEEDS_CONSTANTS:
                assert "make it an initializer" in run_kit(case, AccelConfig()).reason
            elif fixed is not case:
                assert run_kit(case, AccelConfig()).reason == ""


def case(name: str) -> Case:
    return next(case for case in CASES if case.name == name)


def test_a_wrong_result_is_a_failure_with_its_place() -> None:
    right = case("test_relu")
    outputs = right.outputs[0].copy()
    outputs[0, 0, 3] += 1
    verdict = run_kit(replace(right, outputs=(outputs,)), AccelConfig())
    assert not verdict.passed
    assert verdict.reason.startswith("1 of 60 values differ, the first at [0, 0, 3]: ")


def test_islands_reach_the_accelerator() -> None:
    """A test of the selection: an island that never leaves the host would prove little."""
    for name in (
        "test_conv_with_autopad_same",
        "test_gemm_default_no_bias",
        "test_maxpool_2d_pads",
    ):
        island = as_int8(case(name))
        assert island is not None
        assert run_kit(island, AccelConfig()).offloaded


def test_baseline_and_report() -> None:
    lacking, known = case("test_convinteger_with_padding"), case("test_relu")
    baseline = run_tvm(lacking), run_tvm(with_constants(lacking))
    assert "not supported for frontend ONNX: ConvInteger" in baseline[0].reason
    passed = run_tvm(known), run_tvm(known)
    kit = run_kit(known, AccelConfig())
    wrong = replace(kit, reason="wrong")
    rows = [Row(kit, kit, replace(kit, offloaded=True), passed), Row(kit, kit, wrong, baseline)]
    assert json.loads(to_json([*rows, Row(wrong, kit, None, passed)]))["totals"] == {
        "cases": 3,
        "passed_at_run_time": 2,
        "passed_with_constants": 3,
        "int8_cases": 2,
        "int8_passed": 1,
        "int8_offloaded": 1,
        "int8_host": 0,
        "tvm_passed_at_run_time": 2,
        "tvm_passed_with_constants": 2,
    }


def test_unknown_configuration(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["--config", "huge", "--json", str(tmp_path / "out.json")]) == 2
    assert "error: no configuration huge" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_light_models_are_whole_networks() -> None:
    """SqueezeNet here, the others with --light: float, so the host executes them."""
    assert len(names()) == 9
    light = light_case("light_squeezenet")
    verdict = run_kit(light, AccelConfig())
    assert verdict.reason == ""
    assert not verdict.offloaded
    wrong = replace(light, outputs=(light.outputs[0] + 1,))
    assert "values differ" in run_kit(wrong, AccelConfig()).reason
