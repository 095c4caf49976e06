"""The route /ready: whether what the server stores in answers, for a load balancer or a service manager."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from classwright_server.config.settings import ToolSettings
from classwright_tools.errors import ClasswrightError, StorageFailed
from classwright_tools.workspace.atomic import check_writable

LOOK_SECONDS = 2.0
"""An answer holds for so long, so that whoever asks often makes no work."""
PATIENCE_SECONDS = 4.0
"""For a database whose host is cut off, which says nothing."""
_DATABASE = "the database of the index does not answer"


def ready_route(tool_settings: ToolSettings) -> Callable[[Request], Awaitable[Response]]:
    """Return the route: 200 if workspace and index answer, else 503 with the one that does not. Anyone may ask."""
    looking = anyio.Lock()
    wrong: str | None = None
    until = 0.0

    async def ready(_request: Request) -> Response:
        nonlocal wrong, until
        async with looking:
            if time.monotonic() >= until:
                wrong = await _what_is_wrong(tool_settings)
                until = time.monotonic() + LOOK_SECONDS
        if wrong is None:
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "not ready", "reason": wrong}, 503)

    return ready


async def _what_is_wrong(tool_settings: ToolSettings) -> str | None:
    """Return what does not answer, without a path or a host; None if all does."""
    with anyio.move_on_after(PATIENCE_SECONDS):
        return await anyio.to_thread.run_sync(_look, tool_settings, abandon_on_cancel=True)
    return _DATABASE


def _look(tool_settings: ToolSettings) -> str | None:
    try:
        check_writable(tool_settings.workspace, "workspace")
    except StorageFailed:
        return "the workspace cannot be written"
    if tool_settings.index_url:
        from classwright_tools.workspace.index import check_database

        try:
            check_database(tool_settings.index_url)
        except ClasswrightError:
            return _DATABASE
    return None
