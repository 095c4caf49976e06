"""Which server processes of a workspace are alive: each holds a lock on a file of its own.

The compute processes inherit the lock, so that a job counts as running until the last process that may still work on
it is gone, however the server ended.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import uuid
from pathlib import Path


class ExecutorLock:
    """The sign of life of this server process."""

    def __init__(self, folder: Path) -> None:
        """Take a new lock in `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        self.executor_id = uuid.uuid4().hex
        self._path = _path(folder, self.executor_id)
        self.descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def release(self) -> None:
        """Give the lock back: from now on, others may take over what this process left."""
        os.close(self.descriptor)
        self._path.unlink(missing_ok=True)


def is_dead(folder: Path, executor_id: str) -> bool:
    """Whether no process holds the lock of `executor_id` any more; its file is then removed."""
    path = _path(folder, executor_id)
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


def _path(folder: Path, executor_id: str) -> Path:
    return folder / f"{executor_id}.lock"
