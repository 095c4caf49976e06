"""Whole answers of tools that are no jobs: those too long for the client, kept as long as jobs are."""

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
from classwright_tools.workspace.own_files import read_own

_FOLDER = "long-answers"  # no task has such a name
_KEY = re.compile(r"job_[0-9a-f]{32}")


def keep_answer(root: Path, key: str, answer: dict[str, Any]) -> None:
    """Write the answer of the run `key` into the workspace at `root`, and remove those that are too old.

    Raises:
        StorageFailed: the disk is full.
    """
    folder = root / _FOLDER
    with storage_errors("the answer"):
        folder.mkdir(exist_ok=True)
        for path in folder.iterdir():
            with contextlib.suppress(FileNotFoundError):  # another call removes it at this moment
                if path.stat().st_mtime < time.time() - KEPT_DAYS * 86_400:
                    path.unlink()
        (folder / f"{key}.json").write_text(json.dumps(answer, ensure_ascii=False), encoding="utf-8")


def answers_naming(root: Path, task: str) -> list[Path]:
    """Return the files of the answers kept in the workspace at `root` that name an artifact of `task`."""
    kept = (root / _FOLDER).glob("*.json")
    return [path for path in kept if names_one_of(path.read_text(encoding="utf-8"), task)]


def kept_answer(root: Path, key: str) -> str | None:
    """Return the answer of the run `key` as JSON, or None if none was kept."""
    if not _KEY.fullmatch(key):
        return None
    try:
        return read_own(root / _FOLDER / f"{key}.json").decode()
    except OSError:
        return None
