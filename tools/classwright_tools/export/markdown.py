"""Words of a task in Markdown: they read as they are, and make no heading, link, picture or HTML."""

from __future__ import annotations

import re

# What Markdown makes more of than text: brackets, emphasis, struck-out words, formulas, the middle of an address.
_ACTIVE = re.compile(r"[\\\[\]*~$]|(?<!\w)_|_(?!\w)|(?<=:)//|(?<=www)\.|(?<=\w)@(?=\w)|&(?=#|\w+;)")
# At the beginning of a line: headings, quotes, lists, tables, rules.
_BLOCK = re.compile(r"^(\d{0,9})([#>+|=-]|(?<=\d)[.)])")


UNDESCRIBED = "(nobody described it)"
"""What a card says of a label that has no description."""


def paragraph(text: str) -> str:
    """Return text from a task so that it stays a paragraph: no line of it can start a heading, a table or a block."""
    return _BLOCK.sub(r"\1\\\2", _inert(text.replace("`", "'")))


def cell(text: str) -> str:
    """Return text from a task as the cell of a table, in which it reads as it is, whatever sign it begins with."""
    return _inert(text).replace("`", "\\`").replace("|", "\\|")


def _inert(text: str) -> str:
    """Return `text` on one line, with escapes for what Markdown would make a link, an image, emphasis or HTML of."""
    return _ACTIVE.sub(r"\\\g<0>", " ".join(text.split())).replace("<", "&lt;")
