"""Calls that messages advise, and that name the task, name every other argument that the tool needs as well."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from classwright_tools.catalogue import catalogue
from support.paths import ROOT

NEEDED = {
    name: {field for field, about in spec.request.model_fields.items() if about.is_required()}
    for name, spec in catalogue().items()
}
CALL = re.compile(rf"\b({'|'.join(NEEDED)})\(")
FILES = sorted(path for folder in ("server", "tools", "agents") for path in (ROOT / folder).rglob("*.py"))


def strings(path: Path) -> Iterator[str]:
    """Yield the strings of a file; what is put into them is left out."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else "" for part in node.values)
            yield "".join(str(part) for part in parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def calls(text: str) -> Iterator[tuple[str, str]]:
    """Yield the whole calls of tools in a text, each with its arguments; of what they hold the names alone."""
    for found in CALL.finditer(text):
        depth, given = 1, ""
        for sign in text[found.end() :]:
            depth += (sign in "([{") - (sign in ")]}")
            if depth == 0:
                yield found[1], given
                break
            given += sign if depth == 1 else ""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_call_that_is_advised_names_what_the_tool_needs(path: Path) -> None:
    lacking = [
        (tool, given, sorted(missing))
        for text in strings(path)
        for tool, given in calls(text)
        if "task=" in given  # others are short for one that the reader has just made
        if (missing := NEEDED[tool] - set(re.findall(r"(\w+)=", given)))
    ]

    assert not lacking
