"""Folders of a workspace: made for this user of the system alone, and tried before anything is put into them."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from classwright_tools.errors import StorageFailed, mending


def own_folder(path: Path) -> Path:
    """Return the folder `path`, made if need be, open to this user of the system alone, whatever the umask."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def check_writable(folder: Path, subject: str) -> None:
    """Return if `folder`, which `subject` names, can be written; it is made if need be.

    Raises:
        StorageFailed: it cannot be made, whatever the reason of the system, or not be written.
    """
    try:
        own_folder(folder)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise StorageFailed(subject, f"cannot be written: {why_not_written(error)}", repair_of(error.errno)) from error


def why_not_written(error: OSError) -> str:
    """Return the reason that the system gives, in words."""
    return (os.strerror(error.errno) if error.errno else "the system does not say why").lower()


def repair_of(error_number: int | None) -> str:
    """Return what repairs that the system refused to write into the workspace."""
    return f"{mending(error_number)} or choose another workspace, then call again: nothing was lost."
