"""The export of a method: the library that runs it, the code for that, and the writing of its files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

LABELS = "labels.json"


@dataclass(frozen=True)
class Export:
    """The files that a model becomes, not yet written.

    `write` writes them into an empty folder. `libraries` are those of the hub that open it, the most usual one last.
    `runs_with` names all that it runs with, in words. `code` is Markdown: code to run in the export's folder.
    `left_out` is a sentence on what the export does not hold, `caution` one on what to beware of in it; either may be
    empty.
    """

    write: Callable[[Path], None]
    libraries: tuple[str, ...]
    runs_with: str
    code: str
    left_out: str = ""
    caution: str = ""


def code_block(code: str) -> str:
    """Return Python `code` as Markdown."""
    return f"```python\n{code}```"
