"""How long the fuzzing goes on: shortly with the other tests, long under `make fuzz`; and what it may never see."""

from __future__ import annotations

import os
import re
from pathlib import Path

import psutil

CALLS = int(os.environ.get("CLASSWRIGHT_FUZZ_CALLS", "300"))
FILES = int(os.environ.get("CLASSWRIGHT_FUZZ_FILES", "300"))
EDITS = int(os.environ.get("CLASSWRIGHT_FUZZ_EDITS", "6"))
SECONDS = float(os.environ.get("CLASSWRIGHT_FUZZ_SECONDS", "10"))
IS_LONG = "CLASSWRIGHT_FUZZ_CALLS" in os.environ or "CLASSWRIGHT_FUZZ_SECONDS" in os.environ
MAX_GROWTH_BYTES = 50 * 2**20
"""Of a server's memory after the first calls, which load libraries and fill pools."""
MAX_TESTED_GROWTH_BYTES = MAX_GROWTH_BYTES + 20_000 * CALLS
"""The same where hypothesis is in the process, which remembers every call that it made up."""

LEAKS = re.compile(
    r"Traceback|Error executing tool|\(incident |File \"|\.py\b.*line \d|site-packages|sqlalchemy|sqlite3\."
)


def leak_in(text: str, *folders: Path) -> str | None:
    """Return what a text tells that no client may learn, or None."""
    found = LEAKS.search(text)
    if found:
        return found.group()
    return next((str(folder) for folder in folders if str(folder) in text), None)


def resident_bytes(pid: int | None = None) -> int:
    """Return the memory that a process holds, by default this one."""
    return int(psutil.Process(pid).memory_info().rss)


def report(what: str, before: int, after: int) -> None:
    """Print how the memory changed; shown by `pytest -s`, as `make fuzz` runs it."""
    print(f"\n{what}: {before / 2**20:.0f} MB after the first, {after / 2**20:.0f} MB after the last")  # noqa: T201
