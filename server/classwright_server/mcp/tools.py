"""The tools that are served: those of the catalogue, those that look after jobs, and those of the review page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from pydantic import BaseModel

from classwright_server.backend import Backend
from classwright_server.jobs.messages import Outcome
from classwright_server.jobs.view import JobView
from classwright_server.mcp.apps import FOR_PAGE, opening
from classwright_server.mcp.arguments import arguments_of, request_of, waiting_arguments_of
from classwright_server.mcp.job_tools import job_tools
from classwright_server.mcp.job_views import view_at_once, view_of, view_of_dry_run
from classwright_server.mcp.page_tools import page_tools
from classwright_server.mcp.served_tool import ProgressNotes, served_tool
from classwright_server.mcp.tasks_extension import declares_tasks
from classwright_tools.domain.cost import CostEstimate
from classwright_tools.domain.noun import ToolRequest
from classwright_tools.tool import ToolSpec

if TYPE_CHECKING:
    from classwright_server.jobs.records import JobRecord

TASK_WAIT_SECONDS = 1.0
"""A job that ends so soon is answered by its result: a task would cost its client at least that."""


def served_tools(backend: Backend) -> list[Tool]:
    """Return every tool of the server; which of them make jobs depends on whether the server can write."""
    writes = backend.settings.tool_settings.writer is not None or backend.settings.vllm is not None
    jobs = ("always", "if large", "to write") if writes else ("always", "if large")
    tools = [_long(backend, tool) if tool.job in jobs else _quick(backend, tool) for tool in backend.tools.values()]
    return [*tools, *job_tools(backend), *page_tools(backend)]


def _quick(backend: Backend, tool: ToolSpec[Any, Any]) -> Tool:
    """Return the tool that runs while the call waits, and gives its result itself."""

    async def body(arguments: BaseModel, context: Context[Any, Any]) -> BaseModel:
        notes = ProgressNotes(context, tool.name)
        await notes.go_on()
        outcome = await backend.run_now(tool.name, request_of(arguments, tool.request), notes.go_on)
        return tool.result.model_validate(_result_of(outcome))  # type: ignore[no-any-return]  # a pydantic model

    arguments = arguments_of(tool.name, tool.request)
    meta = opening(tool.name)
    return served_tool(tool.name, tool.text, arguments, tool.result, body, meta=meta, tasks_there=backend.task_names)


def _long(backend: Backend, tool: ToolSpec[Any, Any]) -> Tool:
    """Return the tool that makes a job and waits for it for a while; little work of some tools is answered at once."""

    async def body(arguments: Any, context: Context[Any, Any]) -> BaseModel:
        request = request_of(arguments, tool.request)
        notes = ProgressNotes(context, tool.name)
        if tool.dry_run and arguments.dry_run:
            return view_of_dry_run(tool.name, await _estimate(backend, tool.name, request, notes))
        if tool.job == "if large":
            await notes.go_on()
            outcome = await backend.run_small(tool.name, request, notes.go_on)
            if outcome:
                return view_at_once(tool.name, _result_of(outcome), backend.told_root)
        if declares_tasks(context.request_context):  # it follows the task: only what ends at once is waited for
            job_id = await backend.submit(tool.name, request)
            record = await backend.wait(job_id, min(arguments.wait_seconds, TASK_WAIT_SECONDS), _unreported)
        else:
            await notes.go_on()
            job_id = await backend.submit(tool.name, request)
            record = await backend.wait(job_id, arguments.wait_seconds, notes)
        if record.status == "failed" and record.outcome:
            _result_of(record.outcome)
        return view_of(record, backend.told_root)

    arguments = waiting_arguments_of(tool.name, tool.request, dry_run=tool.dry_run)
    meta = FOR_PAGE if tool.for_page else opening(tool.name)
    return served_tool(tool.name, tool.text, arguments, JobView, body, meta=meta, tasks_there=backend.task_names)


async def _estimate(backend: Backend, tool: str, request: ToolRequest, notes: ProgressNotes) -> CostEstimate | None:
    """Return what a call would take, or raise the error that it would end with."""
    await notes.go_on()
    outcome = await backend.estimate(tool, request, notes.go_on)
    if outcome.error:
        raise ToolError(outcome.error)
    return outcome.estimate


async def _unreported(_record: JobRecord) -> None:
    """Report nothing: a task's progress is in the task."""


def _result_of(outcome: Outcome) -> dict[str, Any]:
    """Return the result, or raise the error that the tool ended with."""
    if outcome.result is None:
        raise ToolError(outcome.error)
    return outcome.result
