"""A client of MCP's tasks extension: it declares it, takes tasks for answers, and asks after them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import anyio
from mcp import Client
from mcp.client import ClaimContext, ClientExtension, ResultClaim
from mcp.client.extension import NotificationBinding
from mcp.shared.exceptions import MCPError
from mcp_types import (
    CallToolResult,
    EmptyResult,
    NotificationParams,
    Request,
    RequestParams,
    Result,
    SubscriptionFilter,
    SubscriptionsListenRequest,
    SubscriptionsListenRequestParams,
    SubscriptionsListenResult,
)
from pydantic import ConfigDict
from pydantic.alias_generators import to_camel

from classwright_server.mcp.tasks_extension import TASKS

LOOK_SECONDS = 0.05


class TaskFields(Result):
    """What is told of every task."""

    task_id: str
    status: str
    status_message: str | None = None
    created_at: str
    last_updated_at: str
    ttl_ms: int | None
    poll_interval_ms: int


class CreatedTask(TaskFields):
    """The answer to a call that became a task."""

    result_type: Literal["task"] = "task"


class SeenTask(TaskFields):
    """The answer of `tasks/get`."""

    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None


class IdParams(RequestParams):
    task_id: str


class AnswerParams(IdParams):
    input_responses: dict[str, Any]


class Get(Request[IdParams, Literal["tasks/get"]]):
    method: Literal["tasks/get"] = "tasks/get"
    params: IdParams
    name_param = "taskId"


class Cancel(Request[IdParams, Literal["tasks/cancel"]]):
    method: Literal["tasks/cancel"] = "tasks/cancel"
    params: IdParams
    name_param = "taskId"


class Update(Request[AnswerParams, Literal["tasks/update"]]):
    method: Literal["tasks/update"] = "tasks/update"
    params: AnswerParams
    name_param = "taskId"


class TaskNote(NotificationParams):
    """A notification of a task; its fields are those of `SeenTask`."""

    model_config = ConfigDict(extra="allow", alias_generator=to_camel, populate_by_name=True)

    task_id: str
    status: str


class TasksClient(ClientExtension):
    """Waits for the task that a call became, and keeps what it was told without asking."""

    identifier = TASKS

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.notes: list[TaskNote] = []

    def claims(self) -> Sequence[ResultClaim[Any]]:
        return [ResultClaim(result_type="task", model=CreatedTask, resolve=self._result)]

    def notifications(self) -> Sequence[NotificationBinding[Any]]:
        return [NotificationBinding(method="notifications/tasks", params_type=TaskNote, handler=self._keep)]

    async def _result(self, created: CreatedTask, context: ClaimContext) -> CallToolResult:
        self.ids.append(created.task_id)
        while True:
            task = await context.session.send_request(Get(params=IdParams(task_id=created.task_id)), SeenTask)
            if task.status == "completed":
                return CallToolResult.model_validate(task.result)
            if task.status != "working":
                raise MCPError(-1, f"the task is {task.status}: {task.error}")
            await anyio.sleep(LOOK_SECONDS)

    async def _keep(self, note: TaskNote) -> None:
        self.notes.append(note)


async def started(client: Client, tool: str, arguments: dict[str, Any]) -> CreatedTask:
    """Call a tool whose answer should be a task, and return it."""
    result = await client.session.call_tool(tool, arguments, allow_claimed=True)
    assert isinstance(result, CreatedTask), result
    return result


async def seen(client: Client, task_id: str) -> SeenTask:
    """Return a task as it is now."""
    return await client.session.send_request(Get(params=IdParams(task_id=task_id)), SeenTask)


async def ended(client: Client, task_id: str, seconds: float = 120) -> SeenTask:
    """Return a task once it has ended."""
    with anyio.fail_after(seconds):
        while (task := await seen(client, task_id)).status == "working":
            await anyio.sleep(LOOK_SECONDS)
    return task


async def cancel(client: Client, task_id: str) -> EmptyResult:
    """Stop a task."""
    return await client.session.send_request(Cancel(params=IdParams(task_id=task_id)), EmptyResult)


async def update(client: Client, task_id: str, responses: dict[str, Any]) -> EmptyResult:
    """Answer what a task asked."""
    request = Update(params=AnswerParams(task_id=task_id, input_responses=responses))
    return await client.session.send_request(request, EmptyResult)


async def listen(client: Client, task_ids: Any) -> SubscriptionsListenResult:
    """Follow tasks until the server ends the stream."""
    wanted = SubscriptionFilter.model_validate({"taskIds": task_ids})
    request = SubscriptionsListenRequest(params=SubscriptionsListenRequestParams(notifications=wanted))
    return await client.session.send_request(request, SubscriptionsListenResult)


async def refusal(call: Any) -> tuple[int, str]:
    """Return the code and the words of the error that `call` ends with."""
    try:
        answered = await call
    except MCPError as error:
        return error.error.code, error.error.message
    raise AssertionError(f"it was not refused: {answered}")
