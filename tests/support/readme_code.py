"""The code of an export's README, run in one process for all tests: its imports of torch and setfit take seconds."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

LIMIT_SECONDS = 120
Runs = Callable[[Path, str], str]
"""Runs code in a folder and returns what it printed."""


@pytest.fixture(scope="session")
def run_code() -> Iterator[Runs]:
    """Run code in a process that has never imported Classwright; what it imported of the folder is forgotten after."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        yield lambda folder, code: process.submit(_printed, folder, code).result(LIMIT_SECONDS)


def code_blocks(folder: Path) -> list[str]:
    """Return the blocks of Python in the README of an export."""
    return re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(encoding="utf-8"), re.DOTALL)


def printed_numbers(text: str) -> list[float]:
    """Return the fractions that were printed."""
    return [float(number) for number in re.findall(r"\d\.\d+(?:e-\d+)?", text)]


def _printed(folder: Path, code: str) -> str:
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            exec(compile(code, "README.md", "exec"), {"__name__": "__main__"})
    finally:
        sys.path.remove(str(folder))
        for name, module in list(sys.modules.items()):
            if str(getattr(module, "__file__", "")).startswith(str(folder)):
                del sys.modules[name]
    assert not [name for name in sys.modules if name.startswith("classwright")]
    return printed.getvalue()
