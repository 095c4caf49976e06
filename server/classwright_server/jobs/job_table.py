"""The table of jobs that DBOS keeps: moves of waiting jobs and look-ups that DBOS has no call for."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from dbos import DBOS

from classwright_server.config.settings import Lane
from classwright_server.jobs.turns import LIVE, Seat


class JobTable:
    """The table of jobs. Its columns are described in docs.dbos.dev, "System Tables"."""

    def __init__(self, dbos: DBOS) -> None:
        self.engine = dbos._sys_db.engine
        self._jobs = dbos._sys_db.tables.workflow_status

    def make_room(self, lane: Lane, user: str, seat: Seat) -> None:
        """Move the waiting jobs of `user` in `lane`, from a seat's round on, one round further."""
        jobs = self._jobs.c
        waiting = (jobs.queue_name == lane, jobs.status == "ENQUEUED", jobs.authenticated_user == user)
        self._update(sa.and_(*waiting, jobs.priority >= seat.round), priority=jobs.priority + 1)

    def move(self, job_id: str, lane: Lane, round_: int, executor_id: str | None = None) -> None:
        """Let a job wait in a round of `lane`: one that waits elsewhere, or that this server's `executor_id` had begun.

        One that was taken or cancelled meanwhile stays as it is.
        """
        jobs = self._jobs.c
        state = (jobs.status == "ENQUEUED") if executor_id is None else (jobs.executor_id == executor_id)
        self._update(
            sa.and_(jobs.workflow_uuid == job_id, jobs.status.in_(LIVE), state),
            queue_name=lane,
            priority=round_,
            status="ENQUEUED",
            owner_xid=None,
            started_at_epoch_ms=None,
        )

    def latest(self, kind: str, limit: int) -> list[dict[str, Any]]:
        """Return the attributes of the latest jobs of a kind that told how long they took."""
        told = self._jobs.c.attributes
        timed = told["seconds"].as_float().is_not(None)
        which = sa.and_(self._jobs.c.status == "SUCCESS", told["kind"].as_string() == kind, timed)
        query = sa.select(told).where(which).order_by(self._jobs.c.created_at.desc()).limit(limit)
        with self.engine.connect() as connection:
            return list(connection.scalars(query))

    def _update(self, which: sa.ColumnElement[bool], **values: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(sa.update(self._jobs).where(which).values(**values))
