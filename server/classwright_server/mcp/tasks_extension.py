"""MCP's tasks extension (SEP-2663): a call that takes long is answered by a task, which the client asks after.

Only a client of revision 2026-07-28 that declares the extension is given tasks; every other sees the tools as they are.
Source: https://modelcontextprotocol.io/seps/2663-tasks-extension, with headers after SEP-2243.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.extension import Extension, MethodBinding
from mcp.server.mcpserver import require_client_extension
from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import MCP_NAME_HEADER, decode_header_value
from mcp_types import HEADER_MISMATCH, CallToolRequestParams, CallToolResult, RequestParams
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from classwright_server.mcp.errors import request_errors

TASKS = "io.modelcontextprotocol/tasks"
POLL_MS = 1_000
"""How often a client is asked to look."""
MAX_ID_CHARS = 100
MAX_ANSWERS = 100

TaskStatus = Literal["working", "input_required", "completed", "failed", "cancelled"]
ENDED: frozenset[str] = frozenset(("completed", "failed", "cancelled"))

RequestContext = ServerRequestContext[Any, Any]


class Task(BaseModel):
    """A task as it stands."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    task_id: str
    status: TaskStatus
    status_message: str | None = None
    created_at: datetime
    last_updated_at: datetime
    ttl_ms: int | None = Field(description="How long after its creation it can surely be asked after; null for good.")
    poll_interval_ms: int = POLL_MS
    result: CallToolResult | None = Field(default=None, description="Once completed; also of a tool that failed.")
    error: dict[str, Any] | None = Field(default=None, description="Once failed: a JSON-RPC error.")
    input_requests: dict[str, dict[str, Any]] | None = Field(
        default=None, description="What the client should ask its user, by key, while input is required."
    )

    def state(self) -> dict[str, Any]:
        """Return what `tasks/get` answers and `notifications/tasks` carries."""
        # The specification wants to see a time to live that is null.
        return {"ttlMs": self.ttl_ms, **self.model_dump(mode="json", by_alias=True, exclude_none=True)}

    def announced(self) -> dict[str, Any]:
        """Return the answer to the call that made the task: where it stands, never what came of it."""
        state = self.state()
        kept = {key: value for key, value in state.items() if key not in ("result", "error", "inputRequests")}
        return {"resultType": "task", **kept}


class TaskSource(Protocol):
    """The store of tasks. Each method raises `NotFound` for a task that is not the caller's."""

    async def task(self, task_id: str) -> Task:
        """Return a task as it is now."""
        ...

    async def answer(self, task_id: str, responses: dict[str, Any]) -> None:
        """Take the user's answers by their keys; unknown keys and those that were answered before are ignored."""
        ...

    async def cancel(self, task_id: str) -> None:
        """Stop a task; one that has ended stays as it is."""
        ...


class TaskParams(RequestParams):
    """The id of a task."""

    task_id: str = Field(max_length=MAX_ID_CHARS)


class UpdateParams(TaskParams):
    """The id of a task, and the user's answers."""

    input_responses: dict[str, Any] = Field(max_length=MAX_ANSWERS)


class TasksExtension(Extension):
    """Serves `tasks/get`, `tasks/update` and `tasks/cancel`, and turns the answers of some tools into tasks."""

    identifier = TASKS

    def __init__(self, source: TaskSource, starting: Collection[str]) -> None:
        """Serve the tasks of `source`; the tools `starting` answer with a `job_id`, which is the task's id."""
        self._source = source
        self._starting = frozenset(starting)

    def methods(self) -> Sequence[MethodBinding]:
        """Return the extension's methods; for a client of another revision they do not exist."""
        versions = frozenset(MODERN_PROTOCOL_VERSIONS)
        return [
            MethodBinding("tasks/get", TaskParams, self._get, versions),
            MethodBinding("tasks/update", UpdateParams, self._update, versions),
            MethodBinding("tasks/cancel", TaskParams, self._cancel, versions),
        ]

    async def intercept_tool_call(
        self, params: CallToolRequestParams, ctx: RequestContext, call_next: CallNext
    ) -> HandlerResult:
        """Answer a call whose job goes on with a task, where the client can follow it."""
        result = await call_next(ctx)
        if params.name not in self._starting or not declares_tasks(ctx) or not isinstance(result, CallToolResult):
            return result
        structured = result.structured_content or {}
        if result.is_error or "job_id" not in structured or structured["status"] in ENDED:
            return result
        with request_errors(params.name):
            task = await self._source.task(structured["job_id"])
        return task.result if task.status == "completed" else task.announced()

    async def _get(self, ctx: RequestContext, params: TaskParams) -> HandlerResult:
        _check_request(ctx, params)
        with request_errors("tasks/get"):
            return (await self._source.task(params.task_id)).state()

    async def _update(self, ctx: RequestContext, params: UpdateParams) -> HandlerResult:
        _check_request(ctx, params)
        with request_errors("tasks/update"):
            await self._source.answer(params.task_id, params.input_responses)
        return {}

    async def _cancel(self, ctx: RequestContext, params: TaskParams) -> HandlerResult:
        _check_request(ctx, params)
        with request_errors("tasks/cancel"):
            await self._source.cancel(params.task_id)
        return {}


def declares_tasks(ctx: RequestContext) -> bool:
    """Whether the client of this request can follow a task."""
    capabilities = ctx.session.client_capabilities
    extensions = (capabilities.extensions if capabilities else None) or {}
    return ctx.protocol_version in MODERN_PROTOCOL_VERSIONS and TASKS in extensions


def _check_request(ctx: RequestContext, params: TaskParams) -> None:
    """Return if the client declared the extension, and if a header that names a task names the same one.

    The specification wants the header; clients that leave it out exist and mean no harm.

    Raises:
        MCPError: -32021 or -32020.
    """
    require_client_extension(ctx, TASKS)
    headers = getattr(ctx.request, "headers", {})
    named = headers.get(MCP_NAME_HEADER)
    if named is not None and decode_header_value(named) != params.task_id:
        raise MCPError(HEADER_MISMATCH, f"The header {MCP_NAME_HEADER} names another task than taskId. Send the same.")
