"""The program behind `classwright-agent review`: a connection to a server, and a web page until it is stopped."""

from __future__ import annotations

import shutil
import socket
import tempfile
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import uvicorn

from classwright_agents.errors import AgentError
from classwright_agents.plain import say
from classwright_agents.review.connection import Connection
from classwright_agents.review.tab import Tab
from classwright_agents.task_file import ServerEntry


async def review(
    entry: ServerEntry, *, task: str | None = None, name: str | None = None, port: int = 0, opens: bool = True
) -> None:
    """Show the review page of `task`, or of the task that was changed last, until the program is stopped.

    `name` is who decides, as others see it.

    Raises:
        ServerError: the server cannot be reached.
        AgentError: the port is taken, or is none.
    """
    with _log_folder() as folder:
        connection = Connection(entry, folder)
        async with connection.open():
            tab = Tab(connection, {"task": task} if task else {}, name)
            listener = _listener(port)
            tab.port = listener.getsockname()[1]
            say(f"Review: {tab.url}")
            say("Whoever has this address can change the rows. Ctrl-C ends it; what was decided is stored.")
            if opens:
                await anyio.to_thread.run_sync(webbrowser.open, tab.url)
            server = uvicorn.Server(uvicorn.Config(tab.app(), log_level="warning", timeout_graceful_shutdown=1))
            await server.serve([listener])


@contextmanager
def _log_folder() -> Iterator[Path]:
    """Make a folder for the server's log, which stays only where an error names it."""
    folder = Path(tempfile.mkdtemp(prefix="classwright-review-"))
    is_named = False
    try:
        yield folder
    except AgentError:
        is_named = True
        raise
    finally:
        if not is_named:
            shutil.rmtree(folder, ignore_errors=True)


def _listener(port: int) -> socket.socket:
    made = socket.socket(proto=socket.IPPROTO_TCP)  # else asyncio lets answers wait for an acknowledgement
    try:
        made.bind(("127.0.0.1", port))
        made.listen()  # before its address is told: a browser that comes at once waits, and is not refused
    except (OSError, OverflowError) as error:
        made.close()
        why = error.strerror if isinstance(error, OSError) else "ports go up to 65535"
        raise AgentError(f"--port {port}", f"cannot be listened on: {why}", "Choose another.") from error
    return made
