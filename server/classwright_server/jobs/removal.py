"""The removal of a task's jobs: their requests and answers, which hold texts. No server need run, and one may."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from dbos import DBOSClient, WorkflowStatus

from classwright_server.config.settings import ToolSettings
from classwright_server.jobs.job_table import LIVE
from classwright_server.jobs.launch import JOBS_FILE, client_of, database_url
from classwright_server.jobs.records import user_of
from classwright_tools.domain.kinds import names_one_of
from classwright_tools.workspace.removal import compact_tables
from classwright_tools.workspace.sqlite_files import compact_file

_LIVE = (*LIVE, "DELAYED")
_AT_ONCE = 200
_TABLES = ("workflow_status", "workflow_input", "workflow_output", "operation_outputs")
"""Where DBOS keeps what a job was given and what it answered."""


class TaskJobs:
    """The jobs of a principal that are about a task, or whose request or answer names an artifact of it."""

    def __init__(self, client: DBOSClient | None, tool_settings: ToolSettings, owner: str | None, task: str) -> None:
        """Look for them with `client`; None where no job was ever stored."""
        self._client = client
        self._tool_settings = tool_settings
        self._user = user_of(owner)
        self._task = task

    def live(self) -> list[WorkflowStatus]:
        """Return those that wait or run."""
        return [status for status in self._all() if status.status in _LIVE]

    def finished(self) -> list[str]:
        """Return the ids of the others."""
        return [status.workflow_id for status in self._all() if status.status not in _LIVE]

    def forget_finished(self, before: Callable[[list[str]], None]) -> None:
        """Delete those that are finished, some at a time, each time after a call of `before` with their ids."""
        while self._client and (ids := self.finished()):  # more may have finished meanwhile
            for start in range(0, len(ids), _AT_ONCE):
                some = ids[start : start + _AT_ONCE]
                before(some)
                self._client.delete_workflows(some)

    def compact(self) -> list[str]:
        """Write the jobs' database anew, without what was deleted; return what could not be done, a sentence each.

        Raises:
            StorageFailed: another process holds a file of SQLite, or the disk is full.
        """
        if self._client is None:
            return []
        if self._tool_settings.index_url is None:
            compact_file(self._tool_settings.workspace / JOBS_FILE)
            return []
        return compact_tables(self._client._sys_db.engine, [f"dbos.{table}" for table in _TABLES])

    def _all(self) -> Iterator[WorkflowStatus]:
        """Yield all of them, the oldest first, so that new jobs move none past the look."""
        offset = 0
        while self._client:
            found = self._client.list_workflows(user=self._user, limit=_AT_ONCE, offset=offset)
            yield from filter(self._is_of_task, found)
            if len(found) < _AT_ONCE:
                return
            offset += len(found)

    def _is_of_task(self, status: WorkflowStatus) -> bool:
        attributes: dict[str, Any] = status.attributes or {}
        if attributes.get("task") == self._task:
            return True
        told = json.dumps([status.input, status.output, str(status.error), attributes], default=str)
        return names_one_of(told, self._task)


@contextmanager
def jobs_of_task(tool_settings: ToolSettings, owner: str | None, task: str) -> Iterator[TaskJobs]:
    """Yield the jobs of the principal `owner` that are about `task`."""
    if tool_settings.index_url is None and not (tool_settings.workspace / JOBS_FILE).exists():
        yield TaskJobs(None, tool_settings, owner, task)
        return
    with client_of(database_url(tool_settings)) as client:
        yield TaskJobs(client, tool_settings, owner, task)
