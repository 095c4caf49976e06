"""Files that hold what was computed of a version of a dataset: they appear whole, and the newest stay."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from classwright_tools.workspace.atomic import own_folder
from classwright_tools.workspace.workspace import Workspace

MOST_KEPT = 20
"""Each version has files of its own, of megabytes where rows are many; what is gone is computed anew."""


def kept_file(workspace: Workspace, name: str) -> Path:
    """Return where the file `name` is, if it is there."""
    return workspace.cache / "review" / name


def keep_file(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` write a file that then takes the place of `path`, and remove the oldest beyond `MOST_KEPT`."""
    beside = own_folder(path.parent) / f".{path.name}.{os.getpid()}"
    write(beside)
    beside.replace(path)
    with contextlib.suppress(FileNotFoundError):  # another process removes it at this moment
        newest_last = sorted(path.parent.iterdir(), key=lambda one: one.stat().st_mtime_ns)
        for old in newest_last[:-MOST_KEPT]:
            old.unlink()
