"""The tools that a client calls, made from the library's verbs, and the three that look after jobs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase, FuncMetadata
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

from classwright_server.backend import Backend
from classwright_server.jobs.messages import Outcome
from classwright_server.jobs.view import JobLine, JobList, JobView
from classwright_server.mcp.arguments import MAX_WAIT_SECONDS, arguments_of, as_left_out, wait_field
from classwright_server.mcp.errors import tool_errors
from classwright_server.mcp.results import answer, fits
from classwright_server.mcp.schemas import input_schema, output_schema
from classwright_server.mcp.tasks_extension import declares_tasks
from classwright_server.mcp.texts import TOOL_TEXTS
from classwright_server.mcp.verbs import VERBS, Verb
from classwright_server.sanitize import told
from classwright_tools.domain.excerpt import shortened
from classwright_tools.domain.noun import ToolRequest

if TYPE_CHECKING:
    from classwright_server.jobs.records import JobRecord

JOBS_PER_PAGE = 20
TASK_WAIT_SECONDS = 1.0
"""A job that ends so soon is answered by its result: a task would cost its client at least that."""

JobId = Field(min_length=1, max_length=100, description="The job_id that a tool returned.")


class GetJobRequest(ToolRequest):
    """Which job, and how long to wait for it."""

    job_id: str = JobId
    wait_seconds: int = wait_field()


class CancelJobRequest(ToolRequest):
    """Which job to stop."""

    job_id: str = JobId


class ListJobsRequest(ToolRequest):
    """Which page of the list."""

    cursor: str | None = Field(
        default=None, pattern=r"^[0-9]{1,9}$", description="next_cursor of the page before; left out, the newest jobs."
    )
    limit: int = Field(default=JOBS_PER_PAGE, ge=1, le=50, description="Jobs a page.")


class ServedTool(Tool):
    """A tool whose failures have the words of `tool_errors` in place of the SDK's."""

    async def run(self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False) -> Any:
        """Check the arguments, run the tool and return its result."""
        with tool_errors(self.name):
            given = self.fn_metadata.pre_parse_json(arguments)
            meant = as_left_out(given, self.parameters, self.parameters.get("$defs", {}))
            checked = self.fn_metadata.validate_arguments(meant)
            result = await self.fn(checked, context)
            return self.fn_metadata.convert_result(answer(result.model_dump(mode="json"))) if convert_result else result


Body = Callable[[dict[str, Any], "Context[Any, Any]"], Awaitable[BaseModel]]


def served_tools(backend: Backend) -> list[Tool]:
    """Return every tool of the server; which verbs answer at once depends on whether the server can write."""
    writes = backend.settings.tool_settings.writer is not None or backend.settings.vllm is not None
    quick = {"submit_examples"} if writes else {"submit_examples", "propose_topics"}
    verbs = [_quick_tool(backend, verb) if verb.name in quick else _job_tool(backend, verb) for verb in VERBS.values()]
    return [*verbs, _get_job(backend), _cancel_job(backend), _list_jobs(backend)]


def _tool(name: str, arguments: type[ArgModelBase], result: type[BaseModel], body: Body) -> Tool:
    text = TOOL_TEXTS[name]
    schema = FuncMetadata(arg_model=arguments, output_model=result).output_schema or {}
    return ServedTool(
        fn=body,
        name=name,
        title=text.title,
        description=text.description,
        parameters=input_schema(arguments.model_json_schema()),
        fn_metadata=FuncMetadata(arg_model=arguments, output_model=result, output_schema=output_schema(schema)),
        is_async=True,
        annotations=ToolAnnotations(
            title=text.title,
            read_only_hint=text.reads_only,
            destructive_hint=text.destroys,
            idempotent_hint=text.repeatable or text.reads_only,
            open_world_hint=text.outward,
        ),
    )


def _quick_tool(backend: Backend, verb: Verb) -> Tool:
    """Return the tool that runs `verb` while the call waits, and gives its result itself."""

    async def body(arguments: dict[str, Any], context: Context[Any, Any]) -> BaseModel:
        request = verb.request(**arguments)
        notes = _ProgressNotes(context, verb.name)
        await notes.go_on()
        outcome = await backend.run_now(verb.name, request.model_dump(mode="json"), notes.go_on)
        return verb.result.model_validate(_result_of(outcome))  # type: ignore[no-any-return]  # a pydantic model

    return _tool(verb.name, arguments_of(verb.name, verb.request, waits=False), verb.result, body)


def _job_tool(backend: Backend, verb: Verb) -> Tool:
    """Return the tool that makes a job of `verb` and waits for it for a while."""

    async def body(arguments: dict[str, Any], context: Context[Any, Any]) -> BaseModel:
        wait_seconds = arguments.pop("wait_seconds")
        request = verb.request(**arguments).model_dump(mode="json")
        if declares_tasks(context.request_context):  # it follows the task: only what ends at once is waited for
            job_id = await backend.submit(verb.name, request, _task_of(request))
            record = await backend.wait(job_id, min(wait_seconds, TASK_WAIT_SECONDS), _unreported)
        else:
            notes = _ProgressNotes(context, verb.name)
            await notes.go_on()
            job_id = await backend.submit(verb.name, request, _task_of(request))
            record = await backend.wait(job_id, wait_seconds, notes)
        if record.status == "failed" and record.outcome:
            _result_of(record.outcome)
        return view_of(record)

    return _tool(verb.name, arguments_of(verb.name, verb.request, waits=True), JobView, body)


def _get_job(backend: Backend) -> Tool:
    async def body(arguments: dict[str, Any], context: Context[Any, Any]) -> BaseModel:
        notes = _ProgressNotes(context, "get_job")
        await notes.go_on()
        record = await backend.wait(arguments["job_id"], arguments["wait_seconds"], notes)
        return view_of(record)

    return _tool("get_job", arguments_of("get_job", GetJobRequest, waits=False), JobView, body)


def _cancel_job(backend: Backend) -> Tool:
    async def body(arguments: dict[str, Any], _context: Context[Any, Any]) -> BaseModel:
        return view_of(await backend.cancel(arguments["job_id"]))

    return _tool("cancel_job", arguments_of("cancel_job", CancelJobRequest, waits=False), JobView, body)


def _list_jobs(backend: Backend) -> Tool:
    async def body(arguments: dict[str, Any], _context: Context[Any, Any]) -> BaseModel:
        offset, limit = int(arguments["cursor"] or 0), arguments["limit"]
        return page_of(await backend.newest_jobs(limit + 1, offset), limit, offset)

    return _tool("list_jobs", arguments_of("list_jobs", ListJobsRequest, waits=False), JobList, body)


def page_of(records: Sequence[JobRecord], limit: int, offset: int) -> JobList:
    """Return a page of at most `limit` jobs and as many as an answer holds; `records` are those from `offset` on."""
    lines = tuple(_line(record) for record in records)
    for shown in range(min(limit, len(lines)), -1, -1):
        page = JobList(
            summary=f"Jobs on this page: {shown}." if shown or offset else "There are no jobs yet.",
            next_step="Call get_job with a job_id to see its result.",
            jobs=lines[:shown],
            next_cursor=str(offset + shown) if len(lines) > shown else None,
        )
        if shown <= 1 or fits(page.model_dump(mode="json")):
            break
    return page


class _ProgressNotes:
    """Sends progress to the client whose call waits. MCP wants each value higher than the one before."""

    def __init__(self, context: Context[Any, Any], tool: str) -> None:
        self._context = context
        self._tool = tool
        self._last = 0.0

    async def __call__(self, record: JobRecord) -> None:
        """Tell where the job stands."""
        await self._tell(record.progress.fraction or 0.0, f"{record.tool}: {_message(record)}")

    async def go_on(self) -> None:
        """Tell that the call is being answered: at once, since the first call opens the workspace."""
        await self._tell(0.0, f"{self._tool}: under way")

    async def _tell(self, fraction: float, message: str) -> None:
        self._last = max(fraction, self._last + 1e-6)
        await self._context.report_progress(self._last, 1.0, told(message))


async def _unreported(_record: JobRecord) -> None:
    """Report nothing: a task's progress is in the task."""


def _result_of(outcome: Outcome) -> dict[str, Any]:
    """Return the result, or raise the error that the verb ended with."""
    if outcome.result is None:
        raise ToolError(outcome.error)
    return outcome.result


def _task_of(request: dict[str, Any]) -> str | None:
    """Return the task that a request is about: its own field, or the first part of its model's id."""
    task = request.get("task")
    model = request.get("model")
    return task or (model.rsplit("-", 1)[0] if model else None)


def view_of(record: JobRecord) -> JobView:
    """Return the job as a client sees it, with what to do next."""
    result = record.outcome.result if record.outcome else None
    error = record.outcome.error if record.outcome else None
    again = f"Call get_job with job_id={record.id!r} and wait_seconds={MAX_WAIT_SECONDS}."
    match record.status:
        case "queued":
            where = f": {record.outlook.full}" if record.outlook else "."
            summary, next_step = f"{record.tool} waits for its turn{where}", again
        case "running":
            summary, next_step = f"{record.tool} is running: {record.progress.message}.", again
        case "completed":
            assert result is not None
            summary, next_step = result["summary"], result["next_step"]
        case "failed":
            summary, next_step = f"{record.tool} failed.", "Read the error, repair what it names, call the tool again."
        case "cancelled":
            summary, next_step = f"{record.tool} was {_cancelled(record)}.", "Call the tool again to start anew."
            if record.made:
                next_step = f"Go on with {record.made[-1]!r}, or call the tool again to start anew."
    of_job = ("shown_in_part", "uris")  # told of the whole answer, and so beside the result
    return JobView(
        summary=summary,
        next_step=next_step,
        **{name: result[name] for name in of_job if result and name in result},
        job_id=record.id,
        tool=record.tool,
        status=record.status,
        progress=1.0 if record.status == "completed" else record.progress.fraction or 0.0,
        message=_message(record),
        result=result and {name: value for name, value in result.items() if name not in of_job},
        error=error,
        usage=record.usage.model_dump(exclude={"estimated_tokens", "completions_reused"}) if record.usage else {},
    )


def _message(record: JobRecord) -> str:
    """Return what a job is doing, or how it ended."""
    match record.status:
        case "completed":
            return "done"
        case "queued" if record.outlook:
            return record.outlook.brief
        case "cancelled" if record.made:
            return _cancelled(record)
        case _:
            return record.progress.message or record.status


def _cancelled(record: JobRecord) -> str:
    """Return that a job was cancelled, and what it had made by then."""
    return f"cancelled, but had made {' and '.join(record.made)} by then" if record.made else "cancelled"


def _line(record: JobRecord) -> JobLine:
    view = view_of(record)
    return JobLine(
        job_id=record.id,
        tool=record.tool,
        task=record.task,
        status=record.status,
        progress=view.progress,
        message=shortened(view.message),
        created=record.created,
    )
