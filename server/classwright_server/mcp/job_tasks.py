"""The jobs as tasks of MCP's tasks extension: the id is the same, and the durable store answers for both."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_types import INTERNAL_ERROR, CallToolResult, TextContent

from classwright_server.backend import Backend
from classwright_server.mcp.job_views import view_of
from classwright_server.mcp.results import answer
from classwright_server.mcp.tasks_extension import Task, TaskStatus
from classwright_server.sanitize import sanitized

if TYPE_CHECKING:
    from classwright_server.jobs.records import JobRecord

DAY_MS = 24 * 60 * 60 * 1000
_STATUS: dict[str, TaskStatus] = {
    "queued": "working",
    "running": "working",
    "completed": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
}


class JobTasks:
    """A `TaskSource` of the calling principal's jobs."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def task(self, task_id: str) -> Task:
        """Return the job `task_id` as a task.

        Raises:
            NotFound: whoever asks has no such job.
        """
        return as_task(await self._backend.record(task_id), self._backend.told_root)

    async def answer(self, task_id: str, responses: dict[str, Any]) -> None:  # noqa: ARG002  # no job asks anything
        """Ignore every answer.

        Raises:
            NotFound: whoever asks has no such job.
        """
        await self._backend.record(task_id)

    async def cancel(self, task_id: str) -> None:
        """Stop a job.

        Raises:
            NotFound: whoever asks has no such job.
        """
        await self._backend.cancel(task_id)


def as_task(record: JobRecord, root: Path | None = None) -> Task:
    """Return a job as a task: a tool that said what is wrong has completed, one that broke has failed.

    `root` is that of `view_of`.
    """
    from classwright_server.jobs.retention import KEPT_DAYS  # it needs DBOS, which a record has loaded

    view = view_of(record, root)
    task = Task(
        task_id=record.id,
        status=_STATUS[record.status],
        status_message=sanitized(view.message),
        created_at=record.created,
        last_updated_at=record.updated,
        ttl_ms=KEPT_DAYS * DAY_MS,
    )
    if record.status == "completed":
        return task.model_copy(update={"result": answer(view.model_dump(mode="json"))})
    if record.status == "failed" and record.outcome:
        words = sanitized(record.outcome.error)
        if record.outcome.defect:
            return task.model_copy(update={"error": {"code": INTERNAL_ERROR, "message": words}})
        refused = CallToolResult(content=[TextContent(text=words)], is_error=True)
        return task.model_copy(update={"status": "completed", "result": refused})
    return task
