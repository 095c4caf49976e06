"""Tasks that live in memory, and the tools that the conformance runner wants to see start them."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import anyio
from anyio.abc import TaskGroup
from mcp.server.mcpserver import Context, MCPServer, require_client_extension
from mcp_types import (
    INTERNAL_ERROR,
    CallToolResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequiredResult,
    TextContent,
)

from classwright_server.mcp.tasks_extension import ENDED, TASKS, Task, declares_tasks
from classwright_tools.errors import NotFound

STARTING = ("slow_compute", "failing_job", "protocol_error_job", "confirm_delete", "multi_input", "test_tool_with_task")
TTL_MS = 3_600_000


class Run:
    """One task and the work behind it."""

    def __init__(self) -> None:
        now = datetime.now(UTC)
        self.task = Task(
            task_id=f"job_{secrets.token_hex(16)}",
            status="working",
            created_at=now,
            last_updated_at=now,
            ttl_ms=TTL_MS,
            poll_interval_ms=200,
        )
        self.answers: dict[str, Any] = {}
        self.scope = anyio.CancelScope()
        self.ended = anyio.Event()
        self._answered = anyio.Event()

    def becomes(self, **changes: Any) -> None:
        """Change the task; one that has ended stays as it is."""
        if self.task.status not in ENDED:
            self.task = self.task.model_copy(update={**changes, "last_updated_at": datetime.now(UTC)})
        if self.task.status in ENDED:
            self.ended.set()

    async def ask(self, **requests: dict[str, Any]) -> dict[str, Any]:
        """Return the answers to all `requests`, by their keys."""
        self.becomes(status="input_required", input_requests=requests)
        await self._answered.wait()
        return self.answers

    def take(self, responses: dict[str, Any]) -> None:
        """Take the answers that are still wanted."""
        open_ = dict(self.task.input_requests or {})
        for key in set(open_) & set(responses):
            self.answers[key] = responses[key]
            del open_[key]
        if self.task.status == "input_required":
            self.becomes(status="input_required" if open_ else "working", input_requests=open_ or None)
        if not open_:
            self._answered.set()


Work = Callable[[Run], Awaitable[CallToolResult]]


class FixtureTasks:
    """A `TaskSource` in memory."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}
        self._group: TaskGroup | None = None

    @asynccontextmanager
    async def running(self, _server: MCPServer[Any]) -> AsyncIterator[None]:
        """Let tasks run for as long as the server does, whatever becomes of the request that started them."""
        async with anyio.create_task_group() as self._group:
            yield
            self._group.cancel_scope.cancel()

    async def task(self, task_id: str) -> Task:
        """Return a task."""
        return self._run(task_id).task

    async def answer(self, task_id: str, responses: dict[str, Any]) -> None:
        """Take the user's answers."""
        self._run(task_id).take(responses)

    async def cancel(self, task_id: str) -> None:
        """Stop a task."""
        run = self._run(task_id)
        run.becomes(status="cancelled")
        run.scope.cancel()

    async def started(self, context: Context[Any, Any], work: Work) -> CallToolResult:
        """Begin `work`; return its result, or at once its id where the client can follow a task."""
        assert self._group is not None
        run = Run()
        self._runs[run.task.task_id] = run
        self._group.start_soon(_carry_out, run, work)
        with anyio.move_on_after(0.1 if declares_tasks(context.request_context) else None):
            await run.ended.wait()
        if run.task.result is not None:
            return run.task.result
        structured = {"job_id": run.task.task_id, "status": run.task.status}
        return CallToolResult(content=[TextContent(text=run.task.task_id)], structured_content=structured)

    def _run(self, task_id: str) -> Run:
        if task_id not in self._runs:
            raise NotFound(f"task {task_id[:80]!r}", "does not exist", "Call the tool again.")
        return self._runs[task_id]


async def _carry_out(run: Run, work: Work) -> None:
    try:
        with run.scope:
            run.becomes(status="completed", result=await work(run))
    except Exception as error:  # noqa: BLE001  # whatever a fixture does is told
        run.becomes(status="failed", error={"code": INTERNAL_ERROR, "message": str(error)})


def said(text: str, *, is_error: bool = False) -> CallToolResult:
    """A result of one text."""
    return CallToolResult(content=[TextContent(text=text)], is_error=is_error)


def question(message: str, field: str, kind: str) -> ElicitRequest:
    """A form of one field."""
    schema = {"type": "object", "properties": {field: {"type": kind}}, "required": [field]}
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def wired(request: ElicitRequest) -> dict[str, Any]:
    """A question as a task carries it."""
    return request.model_dump(mode="json", by_alias=True, exclude_none=True)


def add_task_tools(server: MCPServer[Any], tasks: FixtureTasks) -> None:
    """Register the tools by the names that the scenarios call."""

    @server.tool(description="Greet at once.")
    def greet(name: str) -> str:
        return f"Hello, {name}!"

    @server.tool(description="Compute for some seconds.")
    async def slow_compute(context: Context[Any, Any], seconds: float, label: str = "") -> CallToolResult:
        async def work(_run: Run) -> CallToolResult:
            await anyio.sleep(seconds)
            return said(f"{label} took {seconds} s")

        return await tasks.started(context, work)

    @server.tool(description="Fail as a tool does. Only as a task.")
    async def failing_job(context: Context[Any, Any]) -> CallToolResult:
        require_client_extension(context.request_context, TASKS)

        async def work(_run: Run) -> CallToolResult:
            await anyio.sleep(1)
            return said("this job always fails", is_error=True)

        return await tasks.started(context, work)

    @server.tool(description="Break.")
    async def protocol_error_job(context: Context[Any, Any]) -> CallToolResult:
        async def work(_run: Run) -> CallToolResult:
            await anyio.sleep(0.5)
            raise RuntimeError("this job always breaks")

        return await tasks.started(context, work)

    @server.tool(description="Ask before a file is deleted.")
    async def confirm_delete(context: Context[Any, Any], filename: str) -> CallToolResult:
        async def work(run: Run) -> CallToolResult:
            answers = await run.ask(confirm=wired(question(f"Delete {filename}?", "confirm", "boolean")))
            return said(f"{filename}: {answers['confirm']}")

        return await tasks.started(context, work)

    @server.tool(description="Ask two things at once.")
    async def multi_input(context: Context[Any, Any]) -> CallToolResult:
        async def work(run: Run) -> CallToolResult:
            name, age = question("Your name?", "name", "string"), question("Your age?", "age", "integer")
            return said(str(await run.ask(name=wired(name), age=wired(age))))

        return await tasks.started(context, work)

    @server.tool(description="Ask who calls, then go on as a task.")
    async def test_tool_with_task(context: Context[Any, Any]) -> CallToolResult | InputRequiredResult:
        require_client_extension(context.request_context, TASKS)
        answer = (context.input_responses or {}).get("user_name")
        if not isinstance(answer, ElicitResult) or not answer.content:
            return InputRequiredResult(input_requests={"user_name": question("Your name?", "name", "string")})
        name = answer.content["name"]

        async def work(_run: Run) -> CallToolResult:
            await anyio.sleep(0.5)
            return said(f"Hello, {name}!")

        return await tasks.started(context, work)
