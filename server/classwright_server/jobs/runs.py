"""The runs of jobs that are under way in this process, and whether each may go on."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from classwright_server.jobs.records import status_of

CANCEL_CHECK_SECONDS = 1.0


class Runs:
    """The runs under way. Safe for several threads."""

    def __init__(self, executor_id: str) -> None:
        self._executor_id = executor_id
        self._runs: dict[str, object] = {}  # by job, the run of it that may go on

    def __len__(self) -> int:
        return len(self._runs)

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._runs

    def stop(self, job_id: str) -> None:
        """Let no run of a job go on."""
        self._runs.pop(job_id, None)

    @contextlib.contextmanager
    def entered(self, job_id: str) -> Iterator[Callable[[], bool]]:
        """Enter a new run of a job, and yield what tells whether it is over: cancelled, or taken over by another.

        A job is taken over while its run goes on when this process was out of reach for a while.
        """
        run = self._runs[job_id] = object()
        next_look = 0.0

        def is_over() -> bool:
            nonlocal next_look
            if self._runs.get(job_id) is not run:
                return True
            if time.monotonic() < next_look:
                return False
            next_look = time.monotonic() + CANCEL_CHECK_SECONDS
            status = status_of(job_id)
            return status is None or (status.status, status.executor_id) != ("PENDING", self._executor_id)

        try:
            yield is_over
        finally:
            if self._runs.get(job_id) is run:
                del self._runs[job_id]
