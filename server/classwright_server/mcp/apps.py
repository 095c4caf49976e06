"""MCP Apps: the review page as a resource that hosts show, and tools that only the page calls."""

from __future__ import annotations

from collections.abc import Collection
from threading import Thread
from typing import Any

from mcp.server.apps import APP_MIME_TYPE as APP_MIME_TYPE
from mcp.server.apps import Apps, client_supports_apps
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

from classwright_server.review_page.document import page, page_uri

ANY_PAGE = "ui://classwright/{name}.html"
"""A host may ask for the page under the name that it had in an earlier version: it gets the newest."""
OPENING: Collection[str] = frozenset({"error_analysis", "find_examples"})
"""The tools whose result a host shows on the review page."""
FOR_PAGE = {"ui": {"visibility": ["app"]}}


def review_app() -> Apps:
    """Return the extension that serves the review page."""
    apps = Apps()
    apps.add_html_resource(
        page_uri(),
        page(),
        name="review",
        title="Review",
        description="Rows of a dataset to look at, label and correct.",
        prefers_border=False,
    )
    return apps


def opening(tool: str) -> dict[str, Any] | None:
    """Return the `_meta` of a tool whose result is shown on the page; None for every other tool."""
    return {"ui": {"resourceUri": page_uri()}} if tool in OPENING else None


async def read_any_page(name: str) -> str:  # noqa: ARG001  # the placeholder of its URI
    """Return the review page."""
    return page()


async def page_tools_for_pages(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Keep the tools that only a page calls out of the list of clients that show no pages: a middleware."""
    result = await call_next(ctx)
    if ctx.method != "tools/list":
        return result
    if client_supports_apps(ctx):
        Thread(target=_load, daemon=True).start()
        return result
    assert isinstance(result, dict)
    return {**result, "tools": [tool for tool in result["tools"] if _is_for_models(tool)]}


def _load() -> None:
    """Load what the page is answered with, half a second's work, before a person waits for it."""
    import classwright_server.mcp.review_desk  # noqa: F401


def _is_for_models(tool: dict[str, Any]) -> bool:
    return "model" in ((tool.get("_meta") or {}).get("ui") or {}).get("visibility", ("model",))
