# SPDX-License-Identifier: Apache-2.0
"""Rules are read from doc strings; the page of ops follows them."""

from __future__ import annotations

import pytest

from codegen.frontend.diagnose import HOST_RULES
from codegen.frontend.float_rules import FLOAT_RULES
from codegen.partition.legality import RULES
from codegen.profit import COST_RULES
from codegen.refusal import Refusal, as_refusal, rule_of
from codegen.supported import PAGE, main, page


def sizes_are_even(size: int) -> str:
    """Sizes are even,
    all of them.

    Remedy: pad
    by one.
    """
    return f"{size} is odd" if size % 2 else ""


def sizes_are_small(size: int) -> str:
    """Sizes are small."""
    return f"{size} is large" if size > 9 else ""


def test_a_rule_is_its_doc_string() -> None:
    refusal = rule_of(sizes_are_even).refuse(sizes_are_even(3))
    assert refusal == Refusal(
        "sizes_are_even", "Sizes are even, all of them.", "3 is odd", "pad by one"
    )
    assert str(refusal) == "sizes_are_even: 3 is odd; remedy: pad by one"


def test_without_remedy_the_rule_itself_is_one() -> None:
    assert rule_of(sizes_are_small).remedy == (
        "change the model so that this holds: Sizes are small."
    )


def test_a_special_remedy_wins() -> None:
    assert rule_of(sizes_are_even).refuse("3 is odd", "use 4").remedy == "use 4"


def test_texts_become_refusals() -> None:
    default = rule_of(sizes_are_even)
    assert as_refusal("3 is odd", default) == default.refuse("3 is odd")
    named = as_refusal("sizes_fit: 3 is odd", default)
    assert (named.rule, named.detail, named.remedy) == ("sizes_fit", "3 is odd", "pad by one")
    assert as_refusal(named, default) is named


@pytest.mark.parametrize(
    "rule", [*RULES, *FLOAT_RULES, *HOST_RULES, *COST_RULES], ids=lambda rule: rule.__name__
)
def test_every_rule_says_what_must_hold_and_what_to_do(rule) -> None:
    read = rule_of(rule)
    assert read.predicate.endswith((".", "]"))
    assert read.remedy


def test_the_page_of_ops_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make gen`"
    assert main(["--check"]) == 0


def test_a_stale_page_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codegen.supported.INTRODUCTION", "other")
    assert main(["--check"]) == 1
