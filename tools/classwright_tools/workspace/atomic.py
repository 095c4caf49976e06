"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from classwright_tools.errors import FORBIDDEN, FULL, StorageFailed
from classwright_tools.workspace.folders import own_folder, repair_of, why_not_written
from classwright_tools.workspace.sqlite_files import DAMAGED, errno_of, is_damage

# What is being written lies in folders of this name; what is there after a day, and not locked, a killed process left.
STAGED = ".staged-"
STALE_SECONDS = 24 * 3600
_TOLD = FULL | FORBIDDEN | {errno.EEXIST, errno.ENOTDIR}


@contextmanager
def storage_errors(subject: str) -> Iterator[None]:
    """Turn "no space left", "not writable" and a damaged database into a `StorageFailed` about `subject`.

    The rest is let through.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _TOLD:
            raise
        raise StorageFailed(subject, why_not_written(error), repair_of(error.errno)) from error
    except (DBAPIError, sqlite3.Error) as error:
        told = error.orig if isinstance(error, DBAPIError) else error
        if is_damage(told):
            raise StorageFailed(subject, f"is damaged: {told}", DAMAGED) from error
        number = errno_of(told)
        if number is None:
            raise
        raise StorageFailed(subject, f"the index says: {told}", repair_of(number)) from error


@contextmanager
def staged_folder(parent: Path, write: Callable[[Path], None]) -> Iterator[Path]:
    """Let `write` fill a new hidden folder in `parent`, sync it to the disk and yield it, for `move_folder` to take.

    Raises:
        OSError: `parent` is a link, or cannot be made: what is written stays in the workspace.
    """
    own_folder(parent)
    _refuse_link(parent)
    with hidden_folder(parent) as staged:
        write(staged)
        for folder, _, names in os.walk(staged):
            for name in names:
                _sync(Path(folder) / name)
            _sync(Path(folder))
        yield staged


@contextmanager
def hidden_folder(parent: Path) -> Iterator[Path]:
    """Make a hidden folder in `parent` that is this process's own until the end; what is then still there goes.

    A lock says that the process lives, so that no other one clears the folder away, whatever the clocks say.
    """
    folder = own_folder(parent / f"{STAGED}{uuid.uuid4().hex}")
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):  # a file system without locks; there nothing is cleared away
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def move_folder(staged: Path, final: Path) -> None:
    """Rename `staged` to `final` on the same file system.

    A folder that is already at `final` was never indexed (its writer was killed) and gives way; a link does not. It
    goes with what is stale, a day later: should it be in another index, that is the time to find it.
    """
    _refuse_link(final)
    if final.exists():
        os.utime(final)
        final.rename(staged.with_name(f"{STAGED}{uuid.uuid4().hex}"))
    staged.rename(final)
    _sync(final.parent)


def clear_stale(root: Path) -> None:
    """Remove what killed processes left half written in `root` and in the folders under it."""
    now = time.time()
    for staged in (*root.glob(f"{STAGED}*"), *root.glob(f"*/{STAGED}*")):
        with contextlib.suppress(FileNotFoundError):  # another process clears it, or finishes it, at this moment
            newest = max(path.stat().st_mtime for path in (staged, *staged.rglob("*")))
            if now - newest > STALE_SECONDS and _is_left(staged):
                shutil.rmtree(staged, ignore_errors=True)


def _is_left(folder: Path) -> bool:
    """Whether no process holds the lock on a folder; False where that is unknown."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


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
