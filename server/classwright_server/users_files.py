"""Files that a command writes where its user asked for them: their permissions are those of the user's umask."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path


def follow_umask(paths: Iterable[Path], umask: int) -> None:
    """Give files and folders the permissions that they would have been made with under the user's `umask`."""
    for path in paths:
        with contextlib.suppress(OSError):  # a file system without permissions
            path.chmod((0o777 if path.is_dir() else 0o666) & ~umask)
