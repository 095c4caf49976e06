"""MCP Apps: the review page as a resource that hosts show."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from mcp.server.apps import APP_MIME_TYPE as APP_MIME_TYPE
from mcp.server.apps import Apps

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
