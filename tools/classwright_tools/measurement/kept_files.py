"""Files that hold what was computed of a version of a dataset, or of arrays: they appear whole, and the newest stay."""

from __future__ import annotations

import contextlib
import hashlib
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from classwright_tools.workspace.folders import own_folder
from classwright_tools.workspace.workspace import Workspace

MOST_KEPT = 20
"""Each version has files of its own, of megabytes where rows are many; what is gone is computed anew."""


def kept_file(workspace: Workspace, name: str) -> Path:
    """Return where the file `name` is, if it is there."""
    return workspace.cache / "review" / name


def keep_file(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` write a file that then takes the place of `path`, and remove the oldest beyond `MOST_KEPT`."""
    beside = own_folder(path.parent) / f".{path.name}.{uuid.uuid4().hex}"  # threads may write the same at once
    try:
        write(beside)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    with contextlib.suppress(FileNotFoundError):  # another process removes it at this moment
        newest_last = sorted(path.parent.iterdir(), key=lambda one: one.stat().st_mtime_ns)
        for old in newest_last[:-MOST_KEPT]:
            old.unlink()


def kept_array(folder: Path, kind: str, of: Iterable[npt.NDArray[Any]], compute: Callable[[], npt.NDArray[Any]]) -> Any:
    """Return the array that `compute` makes of the arrays `of`, or made of the same before.

    It is kept in the caches' `folder`, under its `kind` and the content of `of`, whose types and shapes count.
    """
    digest = hashlib.sha256()
    for one in of:
        digest.update(f"{one.dtype} {one.shape} ".encode())
        digest.update(np.ascontiguousarray(one).data)
    path = folder / "computed" / f"{kind}-{digest.hexdigest()}.npy"
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        found = compute()

    def write(beside: Path) -> None:
        with beside.open("wb") as file:  # by its name numpy would add an ending
            np.save(file, found)

    with contextlib.suppress(OSError):  # a full disk: it is computed again
        keep_file(path, write)
    return found
