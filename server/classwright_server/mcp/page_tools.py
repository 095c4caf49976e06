"""The tools that the review page alone calls: rows, points and figures of a dataset, and decisions about its rows.

They are answered in this process, since a person waits for each: none of them computes with a model. Their arguments
are described when a client that shows pages first asks, for they would be a sixth of the work of a start.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
from mcp.server.apps import client_supports_apps
from mcp.server.context import CallNext, HandlerResult, ServerMiddleware, ServerRequestContext
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase, FuncMetadata
from mcp_types import CallToolResult, TextContent, ToolAnnotations

from classwright_server.backend import Backend
from classwright_server.jobs.disk_quota import check_room
from classwright_server.mcp.apps import FOR_PAGE
from classwright_server.mcp.arguments import arguments_of
from classwright_server.mcp.schemas import input_schema
from classwright_server.mcp.served_tool import ServedTool
from classwright_server.sanitize import plain_values
from classwright_tools.garbage import importing

if TYPE_CHECKING:
    from classwright_server.mcp.review_desk import ReviewDesk
    from classwright_tools.domain.noun import ToolRequest


def _requests() -> dict[str, type[ToolRequest]]:
    """Return what each tool is asked for."""
    from classwright_server.mcp import page_arguments as asked

    return {
        "review_open": asked.OpenRequest,
        "review_rows": asked.RowsRequest,
        "review_points": asked.Looked,
        "review_figures": asked.Looked,
        "review_history": asked.HistoryRequest,
        "review_news": asked.NewsRequest,
        "review_decide": asked.DecideRequest,
        "review_decide_all": asked.DecideAllRequest,
    }


class PageTool(ServedTool):
    """A tool for the page: its answer is whole, for no model reads it."""

    def describe(self) -> None:
        """Describe the arguments, if that was not done before."""
        if self.fn_metadata.arg_model is ArgModelBase:
            arguments = arguments_of(self.name, _requests()[self.name])
            self.fn_metadata, self.parameters = FuncMetadata(arg_model=arguments), input_schema(arguments)

    async def run(self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False) -> Any:
        """Check the arguments, run the tool and return its result."""
        self.describe()
        return await super().run(arguments, context, convert_result)

    def as_answer(self, result: Any) -> CallToolResult:
        """Return the answer as the page takes it."""
        return CallToolResult(
            content=[TextContent(text=self.title or self.name)], structured_content=plain_values(result)
        )


def page_tools(backend: Backend) -> list[Tool]:
    """Return the tools of the review page, on the workspace of whoever calls."""
    desks: list[ReviewDesk] = []
    turns: defaultdict[Path, anyio.CapacityLimiter] = defaultdict(lambda: anyio.CapacityLimiter(1))

    def desk() -> ReviewDesk:
        if not desks:
            from classwright_server.mcp.review_desk import ReviewDesk  # it needs numpy and pyarrow

            desks.append(ReviewDesk())
        return desks[0]

    def tool(name: str, words: str, answer: Callable[..., dict[str, Any]], *, reads: bool = True) -> Tool:
        async def body(arguments: Any, _context: Context[Any, Any]) -> dict[str, Any]:
            workspace = await backend.workspace()
            if not reads:
                await anyio.to_thread.run_sync(check_room, workspace.root, backend.most_bytes())
            return await anyio.to_thread.run_sync(answer, desk(), workspace, arguments, limiter=turns[workspace.root])

        return PageTool(
            fn=body,
            name=name,
            title=words,
            description=f"{words} For the review page.",
            parameters={"type": "object", "properties": {}},
            fn_metadata=FuncMetadata(arg_model=ArgModelBase),
            is_async=True,
            annotations=ToolAnnotations(
                read_only_hint=reads, destructive_hint=False, idempotent_hint=True, open_world_hint=False
            ),
            meta=FOR_PAGE,
        )

    return [
        tool("review_open", "The task under review.", lambda d, w, a: d.opened(w, a)),
        tool("review_rows", "Rows of the dataset.", lambda d, w, a: d.rows(w, a)),
        tool("review_points", "The map of the rows.", lambda d, w, a: d.points(w, a)),
        tool("review_figures", "Figures over the rows.", lambda d, w, a: d.figures(w, a)),
        tool("review_history", "Decisions, the newest first.", lambda d, w, a: d.history(w, a)),
        tool("review_news", "What others did meanwhile.", lambda d, w, a: d.news(w, a)),
        tool("review_decide", "Decisions are stored.", lambda d, w, a: d.decide(w, a), reads=False),
        tool(
            "review_decide_all",
            "One decision about many rows is stored.",
            lambda d, w, a: d.decide_all(w, a),
            reads=False,
        ),
    ]


def page_tools_for_pages(tools: Sequence[Tool]) -> ServerMiddleware[Any]:
    """Return the middleware that lists those of `tools` that only a page calls to clients that show pages alone."""

    async def listed(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        if ctx.method != "tools/list":
            return await call_next(ctx)
        if client_supports_apps(ctx):
            Thread(target=_load, daemon=True).start()
            for tool in tools:
                if isinstance(tool, PageTool):
                    tool.describe()
            return await call_next(ctx)
        result = await call_next(ctx)
        assert isinstance(result, dict)
        return {**result, "tools": [tool for tool in result["tools"] if _is_for_models(tool)]}

    return listed


def _load() -> None:
    """Load what the page is answered with, half a second's work or more, before a person waits for it."""
    with importing():
        import pyarrow

        import classwright_server.mcp.review_desk  # noqa: F401

        pyarrow.array([""])  # at the first one it imports pandas, where that is installed


def _is_for_models(tool: dict[str, Any]) -> bool:
    return "model" in ((tool.get("_meta") or {}).get("ui") or {}).get("visibility", ("model",))
