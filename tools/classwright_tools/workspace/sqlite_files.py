"""SQLite files that several processes open at once."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import time
from pathlib import Path

from classwright_tools.errors import StorageFailed

WAIT_SECONDS = 30.0  # for another process that is writing
_AGAIN_SECONDS = 0.01
_ERRNO = {
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_READONLY: errno.EROFS,
    sqlite3.SQLITE_CANTOPEN: errno.ENOENT,
    sqlite3.SQLITE_IOERR_SHMSIZE: errno.ENOSPC,  # the file beside the log, which the first connection makes
}
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
DAMAGED = (
    "Stop the servers of the workspace, let `classwright doctor` say which files are damaged, and put them back from a "
    "backup; without jobs.sqlite a server starts, too, and what waited in it is lost."
)
"""What repairs a damaged database."""


def is_damage(error: BaseException | None) -> bool:
    """Whether SQLite says that a file is no database, or one whose pages are not whole."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE


def errno_of(error: BaseException | None) -> int | None:
    """Return the system's number for what SQLite says of a place that cannot be written; None for all else."""
    code = getattr(error, "sqlite_errorcode", 0)
    return _ERRNO.get(code, _ERRNO.get(code & 0xFF))


def is_busy(error: BaseException | None) -> bool:
    """Whether SQLite says that another process holds the file."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


def own_file(path: Path) -> Path:
    """Return the file `path`, made if need be, readable by this user of the system alone, whatever the umask.

    What SQLite puts beside it has the same rights.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    return path


def use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Let the file have a write-ahead log, so that reading and writing do not wait for each other.

    SQLite's own waiting leaves the change to it out: of processes that meet at a new file, one would be told at once
    that it is locked.

    Raises:
        sqlite3.OperationalError: it could not be had within `WAIT_SECONDS`.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() > deadline:
                raise
            time.sleep(_AGAIN_SECONDS)
        else:
            return


def compact_file(path: Path) -> None:
    """Write the file `path` anew, without what was deleted from it, and empty its write-ahead log.

    Raises:
        StorageFailed: another process holds it for longer than `WAIT_SECONDS`, or the disk is full.
    """
    repair = "Free some space, or stop the servers of the workspace, then give the same command again."
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None)) as connection:
            connection.execute("VACUUM")  # not every build of SQLite overwrites what it deletes
            busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError as error:
        raise StorageFailed(path.name, f"could not be written anew: {error}", repair) from error
    if busy:
        raise StorageFailed(path.name, "is being read, so that its log could not be emptied", repair)
