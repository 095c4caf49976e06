"""Liveness of a workspace's processes: each one that runs jobs gives a sign of life while it lives.

The sign is a descriptor that a compute process is handed with its order, so that a job counts as running until the last
process that may still work on it is gone, however its server ended. On SQLite, on one machine, it is a lock on a file;
on PostgreSQL, over many hosts, a lock of a session: see `sessions.py`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from classwright_server.config.settings import ToolSettings
from classwright_tools.workspace.folders import own_folder


class SignOfLife(Protocol):
    """The sign of life of this process, and its look at those of the others."""

    executor_id: str
    descriptor: int
    """What to hand to a process that works for this one."""

    def dead(self, executor_ids: Iterable[str]) -> list[str]:
        """Return those of `executor_ids` that are gone, with all that worked for them."""
        ...

    def silent(self, executor_ids: Iterable[str]) -> list[str]:
        """Return those of `executor_ids` that give no sign of life now; they are dead if that lasts."""
        ...

    def release(self) -> None:
        """Take the sign back: from now on, others may take over what this process left."""
        ...


def sign_of_life(tool_settings: ToolSettings) -> SignOfLife:
    """Give a new sign of life where the workspace's jobs are kept.

    Raises:
        StorageFailed: the database does not answer.
    """
    if tool_settings.index_url is None:
        return FileLock(tool_settings.workspace / _FOLDER)
    from classwright_server.jobs.sessions import SessionLock

    return SessionLock(tool_settings.index_url)


_FOLDER = "executors"
_LOCK = ".lock"


def in_use(workspace: Path) -> bool:
    """Whether a process runs jobs of a workspace that is on SQLite, or works for one that does."""
    return not all(map(_is_free, (workspace / _FOLDER).glob(f"*{_LOCK}")))


class FileLock:
    """A lock on a file of its own."""

    def __init__(self, folder: Path) -> None:
        """Take a new lock in `folder`."""
        own_folder(folder)
        self.executor_id = uuid.uuid4().hex
        self._folder = folder
        self.descriptor = os.open(self._path(self.executor_id), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def dead(self, executor_ids: Iterable[str]) -> list[str]:
        """Return those whose lock no process holds any more; their files are then removed.

        Two that look at once may see each other's look for life; the next look tells.
        """
        return [executor_id for executor_id in executor_ids if _is_free(self._path(executor_id))]

    silent = dead

    def release(self) -> None:
        """Give the lock back."""
        os.close(self.descriptor)
        self._path(self.executor_id).unlink(missing_ok=True)

    def _path(self, executor_id: str) -> Path:
        return self._folder / f"{executor_id}{_LOCK}"


def _is_free(path: Path) -> bool:
    """Whether no process holds the lock on the file at `path`; it is then removed."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    return True
