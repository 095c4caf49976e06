"""Retention of jobs: old ones are forgotten, so that their store does not grow without end. What a job made stays."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from dbos import DBOS

from classwright_server.jobs.job_table import JobTable

KEPT_DAYS = 30
"""A finished job can be read for so long."""
KEPT_JOBS = 10_000
"""Of each principal, and of the operator; of more finished jobs of theirs the oldest are forgotten sooner."""
SWEEP_EVERY_SECONDS = 3600.0
_SWEPT_AT_ONCE = 500
_FINISHED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]


class Retention:
    """Forgets old jobs from time to time. Several servers may do so at once."""

    def __init__(self, table: JobTable) -> None:
        self._table = table
        self._next = 0.0

    def sweep_if_due(self) -> None:
        """Forget what is too old, unless that was done within the hour."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + SWEEP_EVERY_SECONDS
            forget_old_jobs(datetime.now(UTC), self._table)


def forget_old_jobs(now: datetime, table: JobTable) -> None:
    """Delete the jobs that had finished `KEPT_DAYS` before `now`, and each one's oldest finished beyond `KEPT_JOBS`."""
    limit = (now - timedelta(days=KEPT_DAYS)).isoformat()
    while _deleted(completed_before=limit):
        pass
    for user in table.users_with_more(KEPT_JOBS):
        while _deleted(user=user, offset=KEPT_JOBS):
            pass


def _deleted(completed_before: str | None = None, user: str | None = None, offset: int | None = None) -> int:
    """Delete some finished jobs, of `user` or of all, that ended before a time or from the `offset` newest on.

    Return how many.
    """
    found = DBOS.list_workflows(
        status=_FINISHED,
        completed_before=completed_before,
        user=user,
        offset=offset,
        limit=_SWEPT_AT_ONCE,
        sort_desc=True,
        load_input=False,
        load_output=False,
    )
    if found:
        DBOS.delete_workflows([status.workflow_id for status in found])
    return len(found)
