"""The tasks of a workspace, each with its versions."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from classwright_tools.domain.task import Task
from classwright_tools.errors import InvalidInput, unknown_id
from classwright_tools.workspace.index import TaskRow, in_utc, reading

RESERVED = frozenset({"principals", "cache", "executors", "tasks", "jobs"})
"""Slugs that no task has: beside the tasks' folders stand others, and resources of these names."""


class Tasks:
    """The tasks in an index that `engine` opens."""

    engine: Engine

    def save_task(self, task: Task) -> Task:
        """Store `task` and return it with its version: the old one if nothing changed, else one higher.

        Expected shares are no part of what rows and topics were made for: other ones leave the version as it is, and
        where none are given those that were stated for the same labels stay.

        Raises:
            InvalidInput: its slug is that of a folder which the workspace needs itself.
        """
        if task.slug in RESERVED:
            raise InvalidInput(
                f"task {task.slug!r}", "is a name that the workspace needs itself", f"Call it '{task.slug}_task', say."
            )
        with Session(self.engine) as session, session.begin():
            if self.engine.dialect.name != "sqlite":  # a new task has no row yet that could be locked
                session.execute(select(func.pg_advisory_xact_lock(func.hashtext(task.slug))))
            row = session.scalars(
                select(TaskRow).where(TaskRow.slug == task.slug).order_by(TaskRow.version.desc()).limit(1)
            ).first()
            if row:
                before = Task.model_validate(row.task)
                if task.expected_shares is None and set(task.label_names) == set(before.label_names):
                    task = task.model_copy(update={"expected_shares": before.expected_shares})
                same = before.model_copy(update={"expected_shares": task.expected_shares})
                if same == task.model_copy(update={"version": before.version}):
                    row.task = same.model_dump(mode="json")
                    return same
            task = task.model_copy(update={"version": row.version + 1 if row else 1})
            session.add(TaskRow(slug=task.slug, version=task.version, task=task.model_dump(mode="json")))
        return task

    def task(self, slug: str, version: int | None = None) -> Task:
        """Return the newest version of the task `slug`, or an earlier `version`.

        Raises:
            NotFound: there is no such task; the nearest slug is named.
        """
        query = select(TaskRow).where(TaskRow.slug == slug).order_by(TaskRow.version.desc()).limit(1)
        with reading(self.engine) as session:
            row = session.scalars(query if version is None else query.where(TaskRow.version == version)).first()
            if row is None:
                raise unknown_id("task", slug, session.scalars(select(TaskRow.slug).distinct()))
            return Task.model_validate(row.task)

    def made(self, slug: str, version: int = 1) -> datetime:
        """Return when the task `slug`, or a later `version` of it, was made.

        One that is removed and made anew is another, with the same ids.

        Raises:
            NotFound: there is no such task.
        """
        of_version = TaskRow.slug == slug, TaskRow.version >= version
        with reading(self.engine) as session:
            made = session.scalar(select(func.min(TaskRow.created)).where(*of_version))
        if made is None:
            raise unknown_id("task", slug, self.tasks())
        return in_utc(made)

    def tasks(self) -> list[str]:
        """Return the slugs of all tasks, in alphabetical order."""
        with reading(self.engine) as session:
            return list(session.scalars(select(TaskRow.slug).distinct().order_by(TaskRow.slug)))
