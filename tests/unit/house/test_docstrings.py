"""Docstrings of modules: the first line says what the file is, subject first."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from support.paths import PACKAGES, ROOT

QUESTION = re.compile(r"(What|How|Which|Who|Whose|Where|When|Whether|Why)\b")
FOLDERS = [*PACKAGES.values(), ROOT / "benchmarks", ROOT / "docs"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_a_module_begins_with_its_subject_and_not_with_a_question(folder: Path) -> None:
    for path in folder.rglob("*.py"):
        words = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""

        assert not QUESTION.match(words), f"{path.relative_to(ROOT)}: {words.splitlines()[0]}"
