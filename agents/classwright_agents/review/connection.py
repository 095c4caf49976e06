"""The connection of the browser tab to the server, made anew when the server went away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
import httpx2

from classwright_agents.errors import ServerError, ServerGone
from classwright_agents.server import Server, agent_error, connect
from classwright_agents.task_file import ServerEntry

AGAIN_SECONDS = 1.0
WAIT_SECONDS = 10.0
"""For a server that is being started again."""
FOR_MODELS_TOO = frozenset({"get_job", "find_examples", "edit_examples"})


class Connection:
    """A server that the page's calls go to. What the page may call is what the server made for it."""

    def __init__(self, entry: ServerEntry, folder: Path) -> None:
        """Go to the server of `entry`; its log, where it is started from here, lies in `folder`."""
        self._entry = entry
        self._folder = folder
        self._server: Server | None = None
        self._changed = anyio.Event()
        self._lost = anyio.Event()
        self._for_page: frozenset[str] = frozenset()
        self._page = ""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Keep the connection until the end.

        Raises:
            ServerError: the server cannot be reached at the beginning, or it is none that has the page.
        """
        try:
            async with anyio.create_task_group() as tasks:
                await tasks.start(self._keep)
                yield
                tasks.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            raise agent_error(group) or group from None

    def page(self) -> str:
        """Return the review page."""
        return self._page

    async def call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Call a tool for the page and return its result as it is on the wire.

        Raises:
            ServerGone: the server went away.
            ServerError: it answered with no result, or not in time, or the tool is none for the page.
        """
        if tool not in self._for_page:
            raise ServerError(f"Tool {tool[:80]!r}", "is not for the review page", "Call it from the chat.")
        with anyio.move_on_after(WAIT_SECONDS):
            while self._server is None:
                await self._changed.wait()
        if self._server is None:
            raise ServerError("The server", "is not back yet", "Look at its log.")
        try:
            return await self._server.whole(tool, arguments)
        except ServerGone:  # any other failure is this call's alone, and what the server has in memory stays
            self._server = None
            self._lost.set()
            raise

    async def _keep(self, *, task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Connect, and again whenever the connection is lost; the first time a failure is the caller's."""
        is_first = True
        while True:
            async with anyio.create_task_group() as tasks:
                try:
                    await tasks.start(self._hold)
                    if is_first:
                        task_status.started()
                    is_first = False
                    await self._lost.wait()
                except ServerError:
                    if is_first:
                        raise
                tasks.cancel_scope.cancel()  # a connection to a server that is gone does not close by itself
            await anyio.sleep(AGAIN_SECONDS)

    async def _hold(self, *, task_status: anyio.abc.TaskStatus[None]) -> None:
        """Be connected. What ends a connection that stood is no failure: it is made anew."""
        is_open = False
        try:
            async with connect(self._entry, Path.cwd(), self._folder, shows_pages=True) as server:
                self._for_page, uri = await _for_page(server)
                self._page = (await server.read(uri)).decode()
                is_open = True
                self._server, self._lost = server, anyio.Event()
                self._changed.set()
                self._changed = anyio.Event()
                task_status.started()
                await anyio.sleep_forever()
        except (ServerError, OSError, httpx2.HTTPError, ExceptionGroup):
            if not is_open:
                raise
            self._server = None
            self._lost.set()


async def _for_page(server: Server) -> tuple[frozenset[str], str]:
    """Return the tools that are for the page, and the URI of the page."""
    listed = {tool.name: (tool.meta or {}).get("ui") for tool in await server.tools()}
    uris = [ui["resourceUri"] for ui in listed.values() if ui and "resourceUri" in ui]
    if not uris:
        raise ServerError("The server", "has no review page", "Connect to a Classwright server of this version.")
    return frozenset(name for name, ui in listed.items() if ui) | FOR_MODELS_TOO, uris[0]
