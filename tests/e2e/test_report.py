# SPDX-License-Identifier: Apache-2.0
"""--emit report: every node of a model with mixed fate, as JSON, page and table."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from onnxruntime.quantization import QuantFormat

from accel.config import AccelConfig
from codegen.choices import MATCHES, Choices
from codegen.compile import Compiled, compile_model, main
from codegen.explain_page import page
from codegen.explanation import ABSORBED, ACCELERATOR, HOST
from tests.e2e.small_models import Net, encoder_net, gated_net, mixed_net


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    encoder_net().quantized(folder / "encoder.onnx")
    return folder


@pytest.fixture(scope="module")
def encoder(folder: Path) -> Compiled:
    return compile_model(folder / "encoder.onnx", AccelConfig())


@pytest.mark.parametrize("form", [QuantFormat.QDQ, QuantFormat.QOperator], ids=["qdq", "qop"])
@pytest.mark.parametrize("make", [mixed_net, gated_net])
def test_every_node_is_accounted_for(
    tmp_path: Path, make: Callable[[], Net], form: QuantFormat
) -> None:
    compiled = compile_model(make().quantized(tmp_path / "net.onnx", form=form), AccelConfig())
    check_fates(compiled)


def test_every_node_of_an_encoder_is_accounted_for(encoder: Compiled) -> None:
    check_fates(encoder)
    host = {fate.node for fate in encoder.explanation.nodes if fate.where == HOST}
    assert host == {
        "x_QuantizeLinear",
        "mul13_DequantizeLinear",
        "softmax14",
        "softmax14_QuantizeLinear",
        "add26_DequantizeLinear",
    }


def check_fates(compiled: Compiled) -> None:
    """Placements are what the programs say; nodes of the host have a reason, others a home."""
    names = {fate.node for fate in compiled.explanation.nodes}
    assert len(names) == len(compiled.imported.model.graph.node)
    for fate in compiled.explanation.nodes:
        assert (fate.where == ACCELERATOR) == bool(fate.placements)
        assert (fate.where == HOST) == (fate.refusal is not None)
        for place in fate.placements:
            program = compiled.programs[place.region]
            index = next(i for i, x in enumerate(program.layers) if x.name == place.op)
            assert {fate.node, *place.fused_with} == set(program.layers[index].node.split("+"))
            owned = [i for i, owner in enumerate(program.layer_of) if owner == index]
            assert (place.first, place.last) == (owned[0], owned[-1])
            assert place.part
        if fate.where == ABSORBED:
            assert fate.absorbed_into
            assert names.issuperset(fate.absorbed_into)
        if fate.refusal is not None:
            assert fate.refusal.rule.isidentifier()
            assert fate.refusal.predicate
            assert fate.refusal.detail
            assert fate.refusal.remedy


def test_parts_of_an_output_stage_say_so(encoder: Compiled) -> None:
    """The score's scale is a table, the residual an addition in the output stage."""
    fates = {fate.node: fate for fate in encoder.explanation.nodes}
    (scaled,) = fates["mul13"].placements
    assert scaled.part == "table in its output stage"
    assert scaled.fused_with == ("matmul12",)
    (residual,) = fates["add20"].placements
    assert residual.part == "add in its output stage"
    assert fates["matmul12"].placements[0].part == "batch_matmul"


def test_the_absorbed_say_by_whom_and_how(encoder: Compiled) -> None:
    fates = {fate.node: fate for fate in encoder.explanation.nodes}
    assert fates["w1_DequantizeLinear"].why == "a constant of matmul0"
    assert fates["transpose16"].why == "moves no data: part of matmul15"
    into = "its scale and zero point are in the arithmetic of matmul0, matmul4, matmul8, add20"
    assert fates["x_DequantizeLinear"].why == into
    assert fates["add1_QuantizeLinear"].absorbed_into == ("add1",)


def test_files_and_table(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], encoder: Compiled
) -> None:
    arguments = [str(folder / "encoder.onnx"), "--emit", "report"]
    assert main([*arguments, "-o", str(tmp_path)]) == 0
    captured = capsys.readouterr()
    files = [tmp_path / f"encoder.report.{suffix}" for suffix in ("json", "html")]
    assert captured.out.split() == [str(file) for file in files]
    assert "op_has_an_integer_form" in captured.err.replace("\n", "")
    text = files[0].read_text(encoding="utf-8")
    assert text == encoder.explanation.to_json()
    nodes = {node["node"]: node for node in json.loads(text)["nodes"]}
    assert nodes["softmax14"]["refusal"]["rule"] == "op_has_an_integer_form"
    assert nodes["matmul12"]["placements"][0]["fused_with"] == ["mul13"]
    check_page(files[1].read_text(encoding="utf-8"), encoder)


def check_page(html: str, compiled: Compiled) -> None:
    assert not re.search(r"<script|<link|src=|@import|url\(", html)
    for fate in compiled.explanation.nodes:
        assert fate.node in html
        if fate.refusal is not None:
            assert f"<b>{fate.refusal.rule}</b>" in html
    assert unbalanced(html) == []
    widths = [float(width) for width in re.findall(r"width:([\d.]+)%;background", html)]
    assert sum(widths) == pytest.approx(100, abs=1e-3)


def unbalanced(html: str) -> list[str]:
    """Tags that are not closed in their order."""
    still_open: list[str] = []
    for closing, tag in re.findall(r"<(/?)([a-z]\w*)", html):
        if tag in ("meta", "br"):
            continue
        if not closing:
            still_open.append(tag)
        elif still_open.pop() != tag:
            return [tag]
    return still_open


def test_the_page_escapes_names(encoder: Compiled) -> None:
    assert "net &lt;1&gt;" in page(encoder.explanation, "net <1>")


def test_stdout_without_a_folder_is_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder / "encoder.onnx"), "--emit", "report"]) == 0
    assert json.loads(capsys.readouterr().out)["nodes"]


@pytest.mark.parametrize("match", MATCHES)
def test_attention_without_its_products_still_compiles(folder: Path, match: str) -> None:
    """What splits and merges heads goes with its neighbours; the remedy admits the products."""
    path, config = folder / "encoder.onnx", AccelConfig(n_lanes=32, depthwise=False)
    compiled = compile_model(path, config, Choices(match=match))
    check_fates(compiled)
    fates = {fate.node: fate for fate in compiled.explanation.nodes}
    product = fates["matmul12"].refusal
    assert product is not None
    assert product.rule == "product_of_activations_fits_the_array"
    assert product.remedy == "set k_lanes = 32 (now 16) in the configuration"
    assert fates["matmul0"].where == ACCELERATOR
    advised = compile_model(path, replace(config, k_lanes=32), Choices(match=match))
    assert "matmul12" in {f.node for f in advised.explanation.nodes if f.where == ACCELERATOR}
