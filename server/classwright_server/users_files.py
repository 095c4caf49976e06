"""Files that a command reads and writes where its user says: what the system refuses, and the user's permissions."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from classwright_tools.errors import StorageFailed, mending


@contextlib.contextmanager
def system_told(output: Path) -> Iterator[None]:
    """Turn what the system refuses, as of a full disk, into a `StorageFailed` about the file, of `output` if of none.

    A closed pipe is let through.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        subject = f"file {Path(error.filename or output).name!r}"
        repair = f"{mending(error.errno)}, then run this again."
        raise StorageFailed(subject, (error.strerror or str(error)).lower(), repair) from error


def follow_umask(paths: Iterable[Path], umask: int) -> None:
    """Give files and folders the permissions that they would have been made with under the user's `umask`."""
    for path in paths:
        with contextlib.suppress(OSError):  # a file system without permissions
            path.chmod((0o777 if path.is_dir() else 0o666) & ~umask)
