# SPDX-License-Identifier: Apache-2.0
"""Listings in codegen/relay/README.md against what is really printed; needs no TVM."""

from __future__ import annotations

import re

from sim.build import ROOT

README = (ROOT / "codegen" / "relay" / "README.md").read_text(encoding="utf-8")
_COMMENT = re.compile(r" /\* (?:ty|span)=.*?\*/")
_COUNTED = (
    (re.compile(r"%\w+|\b(?:lv|gv)\w*"), "%"),  # names of variables
    (re.compile(r"\]\[\d+\]"), "][]"),  # numbers of constants
    (re.compile(r"-?\d+\.\d+f"), "0f"),  # scales
)


def listing(name: str) -> list[str]:
    """Lines of the block behind <!-- name -->."""
    block = re.search(rf"<!-- {name} -->\n```\w*\n(.*?)```", README, re.DOTALL)
    assert block is not None
    return [line for line in block[1].splitlines() if line.strip() != "..."]


def missing(name: str, printed: str) -> list[str]:
    """Lines of a listing that are not in `printed`, in their order."""
    found = [_plain(line) for line in printed.splitlines()]
    lost, position = [], 0
    for line in listing(name):
        wanted = ".*".join(map(re.escape, _plain(line).split("...")))
        here = (i for i, text in enumerate(found[position:]) if re.fullmatch(wanted, text))
        step = next(here, None)
        if step is None:
            lost.append(line)
        else:
            position += step + 1
    return lost


def _plain(line: str) -> str:
    line = _COMMENT.sub("", line).strip()
    for pattern, replacement in _COUNTED:
        line = pattern.sub(replacement, line)
    return line
