"""The table of jobs that DBOS keeps: moves of waiting jobs and look-ups that DBOS has no call for."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from dbos import DBOS

from classwright_server.jobs.turns import Seat, Turn
from classwright_tools.work import Lane

LIVE = ("ENQUEUED", "PENDING")


class JobTable:
    """The table of jobs, which is there when DBOS is launched. See docs.dbos.dev, "System Tables", for its columns."""

    def __init__(self, dbos: DBOS) -> None:
        self._dbos = dbos

    @property
    def engine(self) -> sa.Engine:
        """What connects with the jobs' database."""
        return self._dbos._sys_db.engine

    @property
    def _jobs(self) -> sa.Table:
        return self._dbos._sys_db.tables.workflow_status

    def turns(self, lane: str | None = None) -> list[Turn]:
        """Return the jobs that wait or run in `lane`, or in all, those first that are taken first.

        It is asked at each call and while each one waits, and there may be thousands: it reads no more than it tells.
        """
        jobs = self._jobs.c
        known = (jobs.priority, jobs.created_at, jobs.started_at_epoch_ms, jobs.attributes)
        whose = (jobs.authenticated_user, jobs.executor_id)
        query = sa.select(jobs.workflow_uuid, jobs.queue_name, *whose, jobs.status, *known)
        query = query.where(jobs.status.in_(LIVE)).order_by(jobs.priority, jobs.created_at)
        if lane:
            query = query.where(jobs.queue_name == lane)
        with self.engine.connect() as connection:
            return [_turn(*row) for row in connection.execute(query)]

    def make_room(self, lane: Lane, user: str, seat: Seat) -> None:
        """Move the waiting jobs of `user` in `lane`, from a seat's round on, one round further."""
        jobs = self._jobs.c
        waiting = (jobs.queue_name == lane, jobs.status == "ENQUEUED", jobs.authenticated_user == user)
        self._update(sa.and_(*waiting, jobs.priority >= seat.round), priority=jobs.priority + 1)

    def move(self, job_id: str, lane: Lane, round_: int, executor_id: str) -> None:
        """Let a job that this server's `executor_id` had begun wait in a round of `lane`.

        One that was taken over or cancelled meanwhile stays as it is.
        """
        jobs = self._jobs.c
        self._update(
            sa.and_(jobs.workflow_uuid == job_id, jobs.status.in_(LIVE), jobs.executor_id == executor_id),
            queue_name=lane,
            priority=round_,
            status="ENQUEUED",
            owner_xid=None,
            started_at_epoch_ms=None,
        )

    def users_with_more(self, than: int) -> list[str]:
        """Return the users who have more jobs than so many that have ended."""
        user, status = self._jobs.c.authenticated_user, self._jobs.c.status
        query = sa.select(user).where(status.not_in(LIVE), user.is_not(None))
        query = query.group_by(user).having(sa.func.count() > than)
        with self.engine.connect() as connection:
            return list(connection.scalars(query))

    def latest(self, kind: str, limit: int) -> list[dict[str, Any]]:
        """Return the attributes of the latest jobs of a kind that told how long they took."""
        attributes = self._jobs.c.attributes
        timed = attributes["seconds"].as_float().is_not(None)
        which = sa.and_(self._jobs.c.status == "SUCCESS", attributes["kind"].as_string() == kind, timed)
        query = sa.select(attributes).where(which).order_by(self._jobs.c.created_at.desc()).limit(limit)
        with self.engine.connect() as connection:
            return list(connection.scalars(query))

    def _update(self, which: sa.ColumnElement[bool], **values: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(sa.update(self._jobs).where(which).values(**values))


def _turn(
    job_id: str,
    lane: str | None,
    user: str | None,
    executor: str | None,
    status: str,
    round_: int | None,
    created: int,
    began: int | None,
    attributes: dict[str, Any] | None,
) -> Turn:
    known = attributes or {}
    tool = str(known.get("tool", ""))
    return Turn(
        job_id=job_id,
        lane=lane or "",
        user=user or "",
        tool=tool,
        task=known.get("task"),
        kind=str(known.get("kind", tool)),
        size=int(known.get("size", 0)),
        runs=status == "PENDING",
        round=round_ or 0,
        created=created,
        began=began,
        fraction=known.get("fraction"),
        expected=(known.get("estimate") or {}).get("seconds"),
        executor=executor,
    )
