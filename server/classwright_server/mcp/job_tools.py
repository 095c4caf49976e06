"""The three tools that look after jobs: `get_job`, `cancel_job` and `list_jobs`."""

from __future__ import annotations

from typing import Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools import Tool
from pydantic import BaseModel, Field

from classwright_server.backend import Backend
from classwright_server.jobs.view import JobList, JobView
from classwright_server.mcp.arguments import arguments_of, wait_field
from classwright_server.mcp.job_views import page_of, view_of
from classwright_server.mcp.served_tool import ProgressNotes, served_tool
from classwright_tools.domain.noun import ToolRequest
from classwright_tools.tool import ToolText

JOBS_PER_PAGE = 20

JobId = Field(min_length=1, max_length=100, description="The job_id that a tool returned.")


class GetJobRequest(ToolRequest):
    """Which job, and how long to wait for it."""

    job_id: str = JobId
    wait_seconds: int = wait_field("For its end; 0: at once.")


class CancelJobRequest(ToolRequest):
    """Which job to stop."""

    job_id: str = JobId


class ListJobsRequest(ToolRequest):
    """Which page of the list."""

    cursor: str | None = Field(default=None, pattern=r"^[0-9]{1,9}$", description="next_cursor of the page before.")
    limit: int = Field(default=JOBS_PER_PAGE, ge=1, le=50, description="Jobs a page.")


def job_tools(backend: Backend) -> list[Tool]:
    """Return the tools that look after the jobs of `backend`."""
    return [_get_job(backend), _cancel_job(backend), _list_jobs(backend)]


def _get_job(backend: Backend) -> Tool:
    async def body(request: GetJobRequest, context: Context[Any, Any]) -> BaseModel:
        notes = ProgressNotes(context, "get_job")
        await notes.go_on()
        record = await backend.wait(request.job_id, request.wait_seconds, notes)
        return view_of(record, backend.told_root)

    text = ToolText(
        title="Get a job",
        description=(
            "Return a job's status and progress, and its result once it is completed; until then `usage` tells what it "
            "has spent. Call it again while the status is queued or "
            "running; do not call the tool itself again."
        ),
        reads_only=True,
    )
    return served_tool("get_job", text, arguments_of("get_job", GetJobRequest), JobView, body)


def _cancel_job(backend: Backend) -> Tool:
    async def body(request: CancelJobRequest, _context: Context[Any, Any]) -> BaseModel:
        return view_of(await backend.cancel(request.job_id), backend.told_root)

    text = ToolText(
        title="Cancel a job",
        description=(
            "Stop a queued or running job within seconds and free what it held. Texts that had been written stay "
            "stored and are reused by the next call."
        ),
        destroys=True,
        repeatable=True,
    )
    return served_tool("cancel_job", text, arguments_of("cancel_job", CancelJobRequest), JobView, body)


def _list_jobs(backend: Backend) -> Tool:
    async def body(request: ListJobsRequest, _context: Context[Any, Any]) -> BaseModel:
        offset = int(request.cursor or 0)
        return page_of(await backend.newest_jobs(request.limit + 1, offset), request.limit, offset)

    text = ToolText(
        title="List jobs",
        description="List the jobs of this workspace, newest first: those that run, or a lost job_id.",
        reads_only=True,
    )
    return served_tool("list_jobs", text, arguments_of("list_jobs", ListJobsRequest), JobList, body)
