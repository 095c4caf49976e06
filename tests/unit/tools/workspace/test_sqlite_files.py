"""SQLite files that several processes open at once: none of them is told that the file is locked."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from classwright_tools.workspace import sqlite_files
from classwright_tools.workspace.sqlite_files import use_write_ahead_log


class Impatient(sqlite3.Connection):
    """A connection that SQLite does not let wait, and that tells when it was refused."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, timeout=0)
        self.refused = threading.Event()

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        """Execute a statement; note when the file is locked."""
        try:
            return super().execute(*arguments)
        except sqlite3.OperationalError:
            self.refused.set()
            raise


def test_who_finds_a_new_file_locked_waits_for_it(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "new", check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    connection = Impatient(tmp_path / "new")

    def let_go_once_it_was_refused() -> None:
        connection.refused.wait()
        other.rollback()

    thread = threading.Thread(target=let_go_once_it_was_refused)
    thread.start()
    use_write_ahead_log(connection)
    thread.join()

    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
    other.close()


def test_a_file_that_stays_locked_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_files, "WAIT_SECONDS", 0.0)
    other = sqlite3.connect(tmp_path / "new")
    other.execute("BEGIN EXCLUSIVE")
    connection = Impatient(tmp_path / "new")

    with pytest.raises(sqlite3.OperationalError, match="locked"):
        use_write_ahead_log(connection)
    connection.close()
    other.close()


def test_a_file_that_is_no_database_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a database, but long enough to be looked at as one" * 20)
    connection = Impatient(tmp_path / "file")

    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        use_write_ahead_log(connection)
    connection.close()
