"""An artifact's own files: those that were written, and never a link that somebody put in the place of one."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path


def open_own(path: Path) -> BufferedReader:
    """Open the file of an artifact for reading.

    Raises:
        OSError: it is not there, or it is a link.
    """
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb")


@contextmanager
def open_as_written(path: Path, digest: str | None) -> Iterator[BufferedReader]:
    """Open the file of an artifact whose SHA-256 was `digest`: Parquet does not notice that a value was damaged.

    Raises:
        OSError: it is not there, or it is a link.
        ValueError: its bytes are not those that were written.
    """
    with open_own(path) as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != digest:
            raise ValueError("its bytes are not those that were written")
        file.seek(0)
        yield file


def read_own(path: Path) -> bytes:
    """Return the content of the file of an artifact.

    Raises:
        OSError: it is not there, or it is a link.
    """
    with open_own(path) as file:
        return file.read()
