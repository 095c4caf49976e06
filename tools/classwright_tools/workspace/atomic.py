"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from classwright_tools.errors import StorageFailed

# What is being written lies in folders of this name; what is still there after a day was left by a killed process.
STAGED = ".staged-"
STALE_SECONDS = 24 * 3600
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NOT_WRITABLE = {errno.EROFS, errno.EACCES, errno.EPERM, errno.EEXIST, errno.ENOTDIR}
_INDEX_FULL = {"SQLITE_FULL", "SQLITE_READONLY", "SQLITE_CANTOPEN"}
_REPAIR = "Free some space or choose another workspace, then call again: nothing was lost."


@contextmanager
def storage_errors(subject: str) -> Iterator[None]:
    """Turn "no space left" and "not writable" into a `StorageFailed` about `subject`; let the rest through."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL | _NOT_WRITABLE:
            raise
        reason = (os.strerror(error.errno) if error.errno else "cannot be written").lower()
        raise StorageFailed(subject, reason, _REPAIR) from error
    except DBAPIError as error:
        if getattr(error.orig, "sqlite_errorname", None) not in _INDEX_FULL:
            raise
        raise StorageFailed(subject, f"the index says: {error.orig}", _REPAIR) from error


def staged_folder(parent: Path, write: Callable[[Path], None]) -> Path:
    """Let `write` fill a new hidden folder in `parent`, sync it to the disk and return it; on failure nothing stays.

    Raises:
        OSError: `parent` is a link, or cannot be made: what is written stays in the workspace.
    """
    parent.mkdir(parents=True, exist_ok=True)
    _refuse_link(parent)
    staged = parent / f"{STAGED}{uuid.uuid4().hex}"
    staged.mkdir()
    try:
        write(staged)
        for folder, _, names in os.walk(staged):
            for name in names:
                _sync(Path(folder) / name)
            _sync(Path(folder))
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise
    return staged


def move_folder(staged: Path, final: Path) -> None:
    """Rename `staged` to `final` on the same file system.

    A folder that is already at `final` was never indexed (its writer was killed) and gives way; a link does not.
    """
    _refuse_link(final)
    if final.exists():
        shutil.rmtree(final)
    staged.rename(final)
    _sync(final.parent)


def clear_stale(root: Path) -> None:
    """Remove what killed processes left half written in `root` and in the folders under it."""
    now = time.time()
    for staged in (*root.glob(f"{STAGED}*"), *root.glob(f"*/{STAGED}*")):
        with contextlib.suppress(FileNotFoundError):  # another process clears it, or finishes it, at this moment
            if now - max(path.stat().st_mtime for path in (staged, *staged.rglob("*"))) > STALE_SECONDS:
                shutil.rmtree(staged, ignore_errors=True)


def _refuse_link(path: Path) -> None:
    if path.is_symlink():
        raise FileExistsError(errno.EEXIST, "a link is in the way", str(path))


def _sync(path: Path) -> None:
    """Flush a file or a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
