"""An artifact's own files: those that were written, and never a link that somebody put in the place of one."""

from __future__ import annotations

import os
from io import BufferedReader
from pathlib import Path


def open_own(path: Path) -> BufferedReader:
    """Open the file of an artifact for reading.

    Raises:
        OSError: it is not there, or it is a link.
    """
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb")


def read_own(path: Path) -> bytes:
    """Return the content of the file of an artifact.

    Raises:
        OSError: it is not there, or it is a link.
    """
    with open_own(path) as file:
        return file.read()
