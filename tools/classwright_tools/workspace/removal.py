"""The removal of a task for good: its rows in the index, its folder, and what was computed of it.

A removal that is killed is found again by its folder, `.removed-TASK`, which goes last: the same call then ends it.
"""

from __future__ import annotations

import contextlib
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from sqlalchemy import ColumnElement, Delete, Engine, delete, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from classwright_tools.domain.kinds import KINDS, Kind, kind_of, task_of
from classwright_tools.errors import unknown_id
from classwright_tools.workspace.atomic import storage_errors
from classwright_tools.workspace.folders import own_folder
from classwright_tools.workspace.index import (
    INDEX_FILE,
    AnswerRow,
    ArtifactRow,
    Base,
    ClosedAssignmentRow,
    CompletionRow,
    DecisionRow,
    PaymentRow,
    SubmissionRow,
    TaskRow,
    reading,
)
from classwright_tools.workspace.sqlite_files import compact_file
from classwright_tools.workspace.workspace import Workspace

REMOVED = ".removed-"
EMBEDDINGS = "embeddings-"
"""How the caches begin that hold vectors under the digests of texts: all tasks share them, and no text is in them."""


@dataclass(frozen=True)
class Holding:
    """What a task holds in its workspace."""

    artifacts: dict[Kind, int]
    """How many there are of each kind."""
    completions: int
    decisions: int
    bytes: int
    """Of its folder."""
    begun: bool
    """Whether an earlier removal of it did not come to its end."""


def holding_of(workspace: Workspace, task: str) -> Holding:
    """Return what the task `task` holds.

    Raises:
        NotFound: there is no such task, nor a removal of one that was not finished.
    """
    begun = _marker(workspace, task).is_dir()
    with reading(workspace.engine) as session:
        known = list(session.scalars(select(TaskRow.slug).distinct()))
        if task not in known and not begun:
            raise unknown_id("task", task, known)
        kinds = session.execute(
            select(ArtifactRow.kind, func.count()).where(ArtifactRow.task == task).group_by(ArtifactRow.kind)
        )
        found = {kind: int(count) for kind, count in kinds}
        completions = session.scalar(select(func.count()).where(_written_for(task))) or 0
        decisions = session.scalar(select(func.count()).where(DecisionRow.task == task)) or 0
    folders = (workspace.root / task, _marker(workspace, task))
    size = sum(path.lstat().st_size for folder in folders for path in folder.rglob("*") if not path.is_dir())
    return Holding({kind: found[kind] for kind in KINDS if kind in found}, completions, decisions, size, begun)


def take_out(workspace: Workspace, task: str) -> None:
    """Remove `task` from the index, in one transaction, and put its folder aside: from then on nobody finds it.

    Raises:
        StorageFailed: the index or the folder cannot be written; nothing was removed.
    """
    aside = own_folder(_marker(workspace, task)) / uuid.uuid4().hex
    with storage_errors(f"task {task!r}"), Session(workspace.engine) as session, session.begin():
        for statement in _deletes(task):
            session.execute(statement)
        with contextlib.suppress(FileNotFoundError):  # a task without artifacts, or put aside by an earlier call
            (workspace.root / task).rename(aside)


def forget_computed(workspace: Workspace, task: str) -> None:
    """Remove what was computed of rows and can be computed again, but for what names another task's artifact.

    Arrays and what was learnt from a corpus name none, so they go for all tasks. Embeddings stay.
    """
    for path in _computed(workspace):
        named = path.name.partition(".")[0]
        if kind_of(named) is None or task_of(named) == task:
            path.unlink(missing_ok=True)


def forget_payments(workspace: Workspace, run_keys: list[str]) -> None:
    """Remove what the runs `run_keys` paid to a writer from the ledger."""
    with Session(workspace.engine) as session, session.begin():
        session.execute(delete(PaymentRow).where(PaymentRow.run_key.in_(run_keys)))


def compact_index(workspace: Workspace) -> list[str]:
    """Write the index's files anew, without what was deleted; return what could not be done, a sentence each.

    Raises:
        StorageFailed: another process holds a file of SQLite, or the disk is full.
    """
    if workspace.engine.dialect.name == "sqlite":
        compact_file(workspace.root / INDEX_FILE)
        return []
    return compact_tables(workspace.engine, [table.name for table in Base.metadata.sorted_tables])


def compact_tables(engine: Engine, tables: list[str]) -> list[str]:
    """Write tables of a PostgreSQL anew, without what was deleted, and return what could not be done.

    The planner's statistics hold common values of columns, so they are made and written anew too.
    """
    undone = []
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in tables:
            connection.execute(text(f"VACUUM (FULL, ANALYZE) {table}"))
        connection.execute(text("VACUUM FULL pg_catalog.pg_statistic"))  # a warning to whom it is not allowed
        try:
            connection.execute(text("CHECKPOINT"))
        except DBAPIError:  # not for every user of PostgreSQL
            undone.append(
                "PostgreSQL lets this user make no CHECKPOINT: old files go with the next one that it makes itself."
            )
    return undone


def end_removal(workspace: Workspace, task: str) -> None:
    """Remove the folder that was put aside, and with it the sign that a removal is under way."""
    aside = _marker(workspace, task)
    for folder in aside.iterdir():
        shutil.rmtree(folder)
    aside.rmdir()


def _marker(workspace: Workspace, task: str) -> Path:
    return workspace.root / f"{REMOVED}{task}"


def _written_for(task: str) -> ColumnElement[bool]:
    return cast("ColumnElement[bool]", CompletionRow.request["task"].as_string() == task)


def _deletes(task: str) -> Iterator[Delete]:
    """Yield what empties the index of `task`, first what refers to artifacts."""
    own = select(ArtifactRow.id).where(ArtifactRow.task == task)
    yield delete(DecisionRow).where(DecisionRow.task == task)
    yield delete(SubmissionRow).where(SubmissionRow.assignment.in_(own))
    yield delete(AnswerRow).where(AnswerRow.annotation.in_(own))
    yield delete(ClosedAssignmentRow).where(ClosedAssignmentRow.assignment.in_(own))
    runs = select(ArtifactRow.run_key).where(ArtifactRow.task == task)
    yield delete(PaymentRow).where(PaymentRow.run_key.in_(runs))
    yield delete(ArtifactRow).where(ArtifactRow.task == task)
    yield delete(CompletionRow).where(_written_for(task))
    yield delete(TaskRow).where(TaskRow.slug == task)


def _computed(workspace: Workspace) -> list[Path]:
    """Return the files of all hosts' caches but encoders and embeddings."""
    files = (path for path in workspace.cache.rglob("*") if path.is_file())
    found = (path for path in files if not path.is_relative_to(workspace.encoders))
    return [path for path in found if not path.name.startswith((EMBEDDINGS, "."))]  # "." is being written
