# SPDX-License-Identifier: Apache-2.0
"""What all pages share: a head that needs no other file, and rows of tables."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path
from string import Template

HEAD = Path(__file__).with_name("page_head.html")


def fill(template: Path, title: str, **parts: str) -> str:
    """A template with `$head`, `$title` (text) and its own parts (HTML)."""
    named = {"title": escape(title)}
    head = Template(HEAD.read_text(encoding="utf-8")).substitute(named).rstrip()
    return Template(template.read_text(encoding="utf-8")).substitute(parts, head=head, **named)


def table_row(texts: Iterable[str], tag: str = "td") -> str:
    """A row of cells, td or th, of text."""
    return f"<tr>{''.join(f'<{tag}>{escape(text)}</{tag}>' for text in texts)}</tr>"
