"""The tools that the review page alone calls: rows, points and figures of a dataset, and decisions about its rows.

They are answered in this process, since a person waits for each: none of them computes with a model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import anyio.to_thread
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import FuncMetadata
from mcp_types import CallToolResult, TextContent, ToolAnnotations

from classwright_server.backend import Backend
from classwright_server.mcp.apps import FOR_PAGE
from classwright_server.mcp.arguments import arguments_of
from classwright_server.mcp.page_arguments import (
    DecideAllRequest,
    DecideRequest,
    HistoryRequest,
    Looked,
    NewsRequest,
    OpenRequest,
    RowsRequest,
)
from classwright_server.mcp.schemas import input_schema
from classwright_server.mcp.served_tool import ServedTool
from classwright_server.sanitize import plain_values
from classwright_tools.domain.noun import ToolRequest

if TYPE_CHECKING:
    from classwright_server.mcp.review_desk import ReviewDesk


class PageTool(ServedTool):
    """A tool for the page: its answer is whole, for no model reads it."""

    def as_answer(self, result: Any) -> CallToolResult:
        """Return the answer as the page takes it."""
        return CallToolResult(
            content=[TextContent(text=self.title or self.name)], structured_content=plain_values(result)
        )


def page_tools(backend: Backend) -> list[Tool]:
    """Return the tools of the review page, on the workspace of whoever calls."""
    desks: list[ReviewDesk] = []

    def desk() -> ReviewDesk:
        if not desks:
            from classwright_server.mcp.review_desk import ReviewDesk  # it needs numpy and pyarrow

            desks.append(ReviewDesk())
        return desks[0]

    def tool(
        name: str, words: str, request: type[ToolRequest], answer: Callable[..., dict[str, Any]], *, reads: bool = True
    ) -> Tool:
        async def body(arguments: Any, _context: Context[Any, Any]) -> dict[str, Any]:
            workspace = await backend.workspace()
            return await anyio.to_thread.run_sync(answer, desk(), workspace, arguments)

        return page_tool(name, words, request, body, reads=reads)

    return [
        tool("review_open", "The task under review.", OpenRequest, lambda d, w, a: d.opened(w, a)),
        tool("review_rows", "Rows of the dataset.", RowsRequest, lambda d, w, a: d.rows(w, a)),
        tool("review_points", "The map of the rows.", Looked, lambda d, w, a: d.points(w, a)),
        tool("review_figures", "Figures over the rows.", Looked, lambda d, w, a: d.figures(w, a)),
        tool("review_history", "Decisions, the newest first.", HistoryRequest, lambda d, w, a: d.history(w, a)),
        tool("review_news", "What others did meanwhile.", NewsRequest, lambda d, w, a: d.news(w, a)),
        tool("review_decide", "Decisions are stored.", DecideRequest, lambda d, w, a: d.decide(w, a), reads=False),
        tool(
            "review_decide_all",
            "One decision about many rows is stored.",
            DecideAllRequest,
            lambda d, w, a: d.decide_all(w, a),
            reads=False,
        ),
    ]


def page_tool(name: str, words: str, request: type[ToolRequest], body: Callable[..., Any], *, reads: bool) -> Tool:
    """Return the tool `name` of the page; `body` answers a call with a mapping."""
    arguments = arguments_of(name, request)
    return PageTool(
        fn=body,
        name=name,
        title=words,
        description=f"{words} For the review page.",
        parameters=input_schema(arguments),
        fn_metadata=FuncMetadata(arg_model=arguments),
        is_async=True,
        annotations=ToolAnnotations(
            read_only_hint=reads, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        ),
        meta=FOR_PAGE,
    )
