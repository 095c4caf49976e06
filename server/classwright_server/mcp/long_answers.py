"""Whole answers of tools that are no jobs: those too long for the client, kept as long as jobs are, and not all."""

from __future__ import annotations

import contextlib
import json
import re
import time
from pathlib import Path
from typing import Any

from classwright_server.jobs.retention import KEPT_DAYS
from classwright_tools.domain.kinds import names_one_of
from classwright_tools.workspace.atomic import storage_errors
from classwright_tools.workspace.folders import own_folder
from classwright_tools.workspace.own_files import read_own

MOST_KEPT = 500
MOST_BYTES = 256 * 2**20
"""Of older answers only these are kept: whoever reads one reads it soon, and no quota is asked before it is written."""
_FOLDER = "long-answers"  # no task has such a name
_KEY = re.compile(r"job_[0-9a-f]{32}")


def keep_answer(root: Path, key: str, answer: dict[str, Any]) -> None:
    """Write the answer of the run `key` into the workspace at `root`, and remove those that are too old or too many.

    Raises:
        StorageFailed: the disk is full.
    """
    with storage_errors("the answer"):
        folder = own_folder(root / _FOLDER)
        beside = folder / f".{key}"
        beside.write_text(json.dumps(answer, ensure_ascii=False), encoding="utf-8")
        beside.replace(folder / f"{key}.json")
        _forget_old(folder)


def _forget_old(folder: Path) -> None:
    """Remove the answers that are older than jobs are kept, and the oldest beyond what is kept of them."""
    found: list[tuple[float, int, Path]] = []
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):  # another call removes it at this moment
            stat = path.stat()
            found.append((stat.st_mtime, stat.st_size, path))
    held, oldest = 0, time.time() - KEPT_DAYS * 86_400
    for place, (written, size, path) in enumerate(sorted(found, reverse=True)):
        held += size
        if written < oldest or place >= MOST_KEPT or held > MOST_BYTES:
            path.unlink(missing_ok=True)


def answers_naming(root: Path, task: str) -> list[Path]:
    """Return the files of the answers kept in the workspace at `root` that name an artifact of `task`."""
    found = []
    for path in (root / _FOLDER).glob("*"):  # what a kill left of one, too
        with contextlib.suppress(FileNotFoundError):  # another call moves or removes it at this moment
            if names_one_of(path.read_text(encoding="utf-8", errors="replace"), task):
                found.append(path)
    return found


def kept_answer(root: Path, key: str) -> str | None:
    """Return the answer of the run `key` as JSON, or None if none was kept."""
    if not _KEY.fullmatch(key):
        return None
    try:
        return read_own(root / _FOLDER / f"{key}.json").decode()
    except OSError:
        return None
