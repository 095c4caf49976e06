"""A tool as the SDK serves it: its arguments checked once, its failures told, its progress sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase, FuncMetadata
from mcp_types import ToolAnnotations
from pydantic import BaseModel, ValidationError

from classwright_server.mcp.argument_faults import lacks_task
from classwright_server.mcp.arguments import WAIT, as_left_out
from classwright_server.mcp.errors import bad_arguments, tool_errors
from classwright_server.mcp.job_views import message_of
from classwright_server.mcp.results import answer
from classwright_server.mcp.schemas import input_schema, output_schema
from classwright_server.sanitize import sanitized
from classwright_tools.domain.excerpt import listed
from classwright_tools.tool import ToolText

if TYPE_CHECKING:
    from classwright_server.jobs.records import JobRecord

TASKS_NAMED = 20

Body = Callable[[Any, "Context[Any, Any]"], Awaitable[BaseModel]]
"""Answers a call; the first parameter is the model of its arguments."""


class ServedTool(Tool):
    """A tool whose failures have the words of `tool_errors` in place of the SDK's."""

    tasks_there: Callable[[], Awaitable[list[str]]] | None = None
    """Returns the names of the tasks, for whoever names none."""

    async def run(self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False) -> Any:
        """Check the arguments, run the tool and return its result."""
        with tool_errors(self.name, self.fn_metadata.arg_model):
            given = self.fn_metadata.pre_parse_json(arguments)
            if WAIT not in self.parameters["properties"]:
                given.pop(WAIT, None)  # as most tools take it, and this one answers in the call however long that waits
            meant = as_left_out(given, self.parameters, self.parameters.get("$defs", {}))
            result = await self.fn(await self._checked(meant), context)
            return self.as_answer(result) if convert_result else result

    async def _checked(self, arguments: dict[str, Any]) -> BaseModel:
        """Return the arguments as their model; an error on a task that is missing names those that are there."""
        try:
            return self.fn_metadata.arg_model.model_validate(arguments)
        except ValidationError as error:
            if not (self.tasks_there and lacks_task(error)):
                raise
            there = listed(map(repr, await self.tasks_there()), TASKS_NAMED)
            known = f"Tasks: {there}." if there else "There is no task yet: propose_topics makes one."
            raise ToolError(
                sanitized(f"{bad_arguments(self.name, error, self.fn_metadata.arg_model)} {known}")
            ) from error

    def as_answer(self, result: Any) -> Any:
        """Return the result as a client is answered."""
        return self.fn_metadata.convert_result(answer(result.model_dump(mode="json")))


def served_tool(
    name: str,
    text: ToolText,
    arguments: type[ArgModelBase],
    result: type[BaseModel],
    body: Body,
    *,
    meta: dict[str, Any] | None = None,
    tasks_there: Callable[[], Awaitable[list[str]]] | None = None,
) -> Tool:
    """Return the tool `name`, of which callers are told `text`; `body` answers a call with a `result`.

    `meta` is the `_meta` by which hosts are told of it. `tasks_there` names the tasks for whoever names none.
    """
    return ServedTool(
        fn=body,
        name=name,
        title=text.title,
        description=text.description,
        parameters=input_schema(arguments),
        fn_metadata=FuncMetadata(arg_model=arguments, output_model=result, output_schema=_schema_of(result)),
        is_async=True,
        annotations=ToolAnnotations(
            read_only_hint=text.reads_only,
            destructive_hint=text.destroys,
            idempotent_hint=text.repeatable or text.reads_only,
            open_world_hint=text.outward,
        ),
        meta=meta,
        tasks_there=tasks_there,
    )


@cache
def _schema_of(result: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of a result, which most tools share: all that make a job answer with the same."""
    return output_schema(FuncMetadata(arg_model=ArgModelBase, output_model=result).output_schema or {})


class ProgressNotes:
    """Sends progress to the client whose call waits. MCP wants each value higher than the one before."""

    def __init__(self, context: Context[Any, Any], tool: str) -> None:
        self._context = context
        self._tool = tool
        self._last = 0.0

    async def __call__(self, record: JobRecord) -> None:
        """Tell where the job stands."""
        await self._tell(record.progress.fraction or 0.0, f"{record.tool}: {message_of(record)}")

    async def go_on(self) -> None:
        """Tell that the call is being answered: at once, since the first call opens the workspace."""
        await self._tell(0.0, f"{self._tool}: under way")

    async def _tell(self, fraction: float, message: str) -> None:
        self._last = max(fraction, self._last + 1e-6)
        await self._context.report_progress(self._last, 1.0, sanitized(message))
