"""The code of an export's README, run as by somebody who has no Classwright."""

from __future__ import annotations

import contextlib
import io
import re
import sys
from pathlib import Path

import pytest


def run_code(folder: Path, code: str, *, needs_classwright: bool = False) -> str:
    """Run code in a folder and return what it printed.

    Nothing of Classwright can be imported meanwhile, unless it is needed. What was imported of the folder is forgotten.
    """
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed):
        patch.chdir(folder)
        patch.syspath_prepend(folder)
        if not needs_classwright:
            for name in ("classwright", "classwright_tools", *sys.modules):
                if name.startswith("classwright"):
                    patch.setitem(sys.modules, name, None)
        try:
            exec(compile(code, "README.md", "exec"), {"__name__": "__main__"})
        finally:
            for name, module in list(sys.modules.items()):
                if str(getattr(module, "__file__", "")).startswith(str(folder)):
                    del sys.modules[name]
    return printed.getvalue()


def code_blocks(folder: Path) -> list[str]:
    """Return the blocks of Python in the README of an export."""
    return re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(encoding="utf-8"), re.DOTALL)


def printed_numbers(text: str) -> list[float]:
    """Return the fractions that were printed."""
    return [float(number) for number in re.findall(r"\d\.\d+(?:e-\d+)?", text)]
