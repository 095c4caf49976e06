"""SQLite files that several processes open at once, and what is said of a place that cannot be written."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import create_engine

from classwright_tools.domain.task import Task
from classwright_tools.errors import StorageFailed
from classwright_tools.learning import embedding_cache
from classwright_tools.review.decisions import read
from classwright_tools.workspace import sqlite_files
from classwright_tools.workspace.atomic import storage_errors
from classwright_tools.workspace.index import INDEX_FILE
from classwright_tools.workspace.sqlite_files import use_write_ahead_log
from classwright_tools.workspace.workspace import Workspace


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


@pytest.mark.parametrize(
    ("number", "repair"),
    [
        (errno.ENOSPC, "Free some space or choose another workspace, then call again: nothing was lost."),
        (errno.EDQUOT, "Free some space"),
        (errno.EROFS, "Let this user of the system write there"),
        (errno.EACCES, "Let this user of the system write there"),
        (errno.ENOTDIR, "Put right what is in the way"),
    ],
)
def test_the_repair_is_that_of_what_the_system_says(number: int, repair: str) -> None:
    with pytest.raises(StorageFailed) as told, storage_errors("dataset"):
        raise OSError(number, os.strerror(number))

    assert told.value.repair.startswith(repair)


def test_an_index_that_may_not_be_written_is_not_called_full(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "i.sqlite").execute("CREATE TABLE t (n)")
    engine = create_engine(f"sqlite:///file:{tmp_path / 'i.sqlite'}?mode=ro&uri=true")

    with pytest.raises(StorageFailed) as told, storage_errors("dataset"), engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO t VALUES (1)")

    assert told.value.reason == "the index says: attempt to write a readonly database"
    assert told.value.repair.startswith("Let this user of the system write there or choose another workspace")


def test_an_embedding_cache_that_another_holds_is_not_called_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding_cache, "WAIT_SECONDS", 0)
    cache = embedding_cache.EmbeddingCache(tmp_path)
    cache.put("e", ["a"], np.zeros((1, 2), np.float32))
    with contextlib.closing(sqlite3.connect(tmp_path / "embeddings-e.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageFailed, match=r"database is locked\. Call again\.$"):
            cache.put("e", ["b"], np.zeros((1, 2), np.float32))


def test_what_only_reads_the_index_waits_for_no_writer_and_sees_what_was_stored_before(
    workspace: Workspace, task: Task
) -> None:
    with contextlib.closing(sqlite3.connect(workspace.root / INDEX_FILE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE tasks SET slug = 'another'")

        assert workspace.tasks() == [task.slug]
        assert workspace.task(task.slug).label_names == task.label_names
        assert workspace.latest("dataset", task.slug) is None
        assert read(workspace, task.slug) == ([], {})
        other.execute("COMMIT")
    assert workspace.tasks() == ["another"]
