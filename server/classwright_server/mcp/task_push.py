"""Push of task states to clients: `subscriptions/listen` with `taskIds` (SEP-2663, SEP-2575)."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

import anyio
from mcp.server.context import CallNext, HandlerResult
from mcp.server.mcpserver import require_client_extension
from mcp.server.subscriptions import SUBSCRIPTION_ID_META_KEY
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    Notification,
    SubscriptionFilter,
    SubscriptionsAcknowledgedNotification,
    SubscriptionsAcknowledgedNotificationParams,
    SubscriptionsListenResult,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import Field, TypeAdapter, ValidationError

from classwright_server.config.principals import current_principal
from classwright_server.mcp.errors import request_errors
from classwright_server.mcp.tasks_extension import ENDED, MAX_ID_CHARS, TASKS, RequestContext, Task, TaskSource
from classwright_tools.errors import NotFound

LOOK_SECONDS = 1.0
MAX_TASKS = 100
"""Tasks that one stream may follow."""
MAX_STREAMS = 256
"""Streams that one server process keeps open; a client beyond them is left to ask by itself."""
MAX_STREAMS_OF_ONE = 32
"""Those of one principal. The operator's are bounded by `MAX_STREAMS` alone."""

_TASK_IDS = TypeAdapter(
    Annotated[list[Annotated[str, Field(max_length=MAX_ID_CHARS)]], Field(min_length=1, max_length=MAX_TASKS)]
)

TaskNotification = Notification[dict[str, Any], str]


class TaskPush:
    """A middleware: answers `subscriptions/listen` where it names tasks, and passes every other request on.

    Such a stream carries tasks alone, which its acknowledgement says: the lists of this server never change.
    """

    def __init__(self, source: TaskSource) -> None:
        self._source = source
        self._streams: Counter[str | None] = Counter()  # by principal

    async def __call__(self, ctx: RequestContext, call_next: CallNext) -> HandlerResult:
        """Follow the tasks that the request names until the last has ended."""
        wanted = _wanted(ctx)
        if wanted is None:
            return await call_next(ctx)
        require_client_extension(ctx, TASKS)
        try:
            ids = dict.fromkeys(_TASK_IDS.validate_python(wanted))
        except ValidationError:
            raise MCPError(INVALID_PARAMS, f"taskIds: not a list of 1 to {MAX_TASKS} task ids. Correct it.") from None
        principal = current_principal()
        if principal is not None and self._streams[principal] >= MAX_STREAMS_OF_ONE:
            reason = f"Too many subscriptions: {MAX_STREAMS_OF_ONE} of yours are open. End some, or ask with tasks/get."
            raise MCPError(INTERNAL_ERROR, reason)
        if self._streams.total() >= MAX_STREAMS:
            raise MCPError(INTERNAL_ERROR, "Too many subscriptions are open. Ask with tasks/get.")
        self._streams[principal] += 1
        try:
            with request_errors("subscriptions/listen"):
                await self._follow(ctx, ids)
        finally:
            self._streams[principal] -= 1
            self._streams += Counter()  # forgets who has none
        return SubscriptionsListenResult(_meta=_meta(ctx)).model_dump(by_alias=True, mode="json", exclude_none=True)

    async def _follow(self, ctx: RequestContext, ids: dict[str, None]) -> None:
        """Say which tasks are followed, then send each one now and whenever it has changed."""
        followed = {id_: task for id_ in ids if (task := await self._found(id_))}
        await ctx.session.send_notification(_acknowledgement(ctx, list(followed)), related_request_id=ctx.request_id)
        for task in followed.values():
            await _send(ctx, task)
        while followed := {id_: task for id_, task in followed.items() if task.status not in ENDED}:
            await anyio.sleep(LOOK_SECONDS)
            for id_, known in list(followed.items()):
                followed[id_] = await self._source.task(id_)
                if followed[id_] != known:
                    await _send(ctx, followed[id_])

    async def _found(self, task_id: str) -> Task | None:
        try:
            return await self._source.task(task_id)
        except NotFound:  # an unknown one, or another's: it is left out of the acknowledgement
            return None


def _wanted(ctx: RequestContext) -> Any:
    """Return the `taskIds` of a request to listen, as they came; None if there are none."""
    if ctx.method != "subscriptions/listen" or ctx.protocol_version not in MODERN_PROTOCOL_VERSIONS:
        return None
    notifications = (ctx.params or {}).get("notifications")
    return notifications.get("taskIds") if isinstance(notifications, dict) else None


def _acknowledgement(ctx: RequestContext, ids: list[str]) -> SubscriptionsAcknowledgedNotification:
    agreed = SubscriptionFilter.model_validate({"taskIds": ids})
    params = SubscriptionsAcknowledgedNotificationParams(notifications=agreed, _meta=_meta(ctx))
    return SubscriptionsAcknowledgedNotification(params=params)


async def _send(ctx: RequestContext, task: Task) -> None:
    note = TaskNotification(method="notifications/tasks", params={**task.state(), "_meta": _meta(ctx)})
    await ctx.session.send_notification(note, related_request_id=ctx.request_id)  # type: ignore[arg-type]  # an extension's


def _meta(ctx: RequestContext) -> dict[str, Any]:
    return {SUBSCRIPTION_ID_META_KEY: ctx.request_id}
