"""The route /ready: whether what the server stores in answers, for a load balancer or a service manager."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from classwright_server.config.settings import ToolSettings
from classwright_tools.errors import ClasswrightError

LOOK_SECONDS = 2.0
"""An answer holds for so long, so that whoever asks often makes no work."""
PATIENCE_SECONDS = 4.0
"""Of one look: for a database whose host is cut off, or a network's file system, which says nothing."""
_DATABASE = "the database of the index does not answer"
_SHUT = "the workspace could not be opened"


def ready_route(
    tool_settings: ToolSettings, failed_to_open: Callable[[], bool]
) -> Callable[[Request], Awaitable[Response]]:
    """Return the route: 200 if all that is stored in answers, else 503 with what does not. Anyone may ask.

    That is the workspace, and the PostgreSQL of the index. An SQLite's file is in the workspace, and is not opened:
    `failed_to_open` says whether the server could not, when it last tried.
    """
    looks = [_Look("the workspace does not answer", partial(_look_at_workspace, tool_settings.workspace))]
    if tool_settings.index_url:
        looks.append(_Look(_DATABASE, partial(_look_at_database, tool_settings.index_url)))
    looking = anyio.Lock()
    wrong: str | None = None
    until = 0.0

    async def ready(_request: Request) -> Response:
        nonlocal wrong, until
        async with looking:
            if time.monotonic() >= until:
                wrong = await _first_wrong(looks)
                until = time.monotonic() + LOOK_SECONDS
        reason = wrong or (_SHUT if failed_to_open() else None)
        if reason is None:
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "not ready", "reason": reason}, 503)

    return ready


class _Look:
    """A look at one place, by one thread at a time: where one hangs, no second one joins it."""

    def __init__(self, silent: str, look: Callable[[], str | None]) -> None:
        """Look by `look`, which returns what is wrong, without a path or a host; `silent` says that it hangs."""
        self._silent = silent
        self._look = look
        self._busy = threading.Lock()

    async def wrong(self) -> str | None:
        """Return what is wrong, or None."""
        with anyio.move_on_after(PATIENCE_SECONDS):
            return await anyio.to_thread.run_sync(self._alone, abandon_on_cancel=True)
        return self._silent

    def _alone(self) -> str | None:
        if not self._busy.acquire(blocking=False):
            return self._silent
        try:
            return self._look()
        finally:
            self._busy.release()


async def _first_wrong(looks: list[_Look]) -> str | None:
    for look in looks:
        if wrong := await look.wrong():
            return wrong
    return None


def _look_at_workspace(folder: Path) -> str | None:
    """Look, and make nothing: a workspace that was unmounted is not to come back empty."""
    # The dot is in a folder alone, not in a file that lies in its place.
    return None if os.access(f"{folder}/.", os.W_OK | os.X_OK) else "the workspace is not there, or cannot be written"


def _look_at_database(url: str) -> str | None:
    from classwright_tools.workspace.database import check_database

    try:
        check_database(url)
    except ClasswrightError:
        return _DATABASE
    return None
