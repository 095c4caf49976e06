"""The tab's connection: a call that fails is one call's failure, and a server that went away is connected to anew."""

from __future__ import annotations

import asyncio
import socket
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from classwright_agents.errors import AgentError, ServerError, ServerGone
from classwright_agents.review.connection import Connection
from classwright_agents.review.program import _listener
from classwright_agents.server import READ_TIMEOUT_SECONDS
from classwright_agents.task_file import ServerEntry

pytestmark = pytest.mark.anyio

SERVER = """
import os
import anyio
from mcp import MCPError
from mcp.server.mcpserver import MCPServer

mcp = MCPServer("a server with a page")

async def review_page(how: str) -> int:
    if how == "refuse":
        raise MCPError(-32603, "Server returned an error response")
    if how == "hang":
        await anyio.sleep_forever()
    if how == "end":
        os._exit(1)
    return os.getpid()

mcp.add_tool(review_page, meta={"ui": {"resourceUri": "ui://page"}})
mcp.resource("ui://page", name="page")(lambda: "<p>the page</p>")
mcp.run()
"""


@pytest.mark.parametrize(
    ("how", "goes_on", "told"),
    [
        ("refuse", True, "answered with an error: Server returned an error response"),
        ("hang", True, "timed out"),
        ("end", False, "went away"),
    ],
)
async def test_a_call_that_fails_ends_no_server_and_one_that_went_away_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, told: str, *, goes_on: bool
) -> None:
    (tmp_path / "server.py").write_text(SERVER)
    entry = ServerEntry(command=(sys.executable, str(tmp_path / "server.py")))
    connection = Connection(entry, tmp_path)
    async with connection.open():
        first = await connection.call("review_page", {"how": "tell"})
        if how == "hang":
            assert connection._server
            monkeypatch.setattr(connection._server._client.session, "_session_read_timeout_seconds", 0.1)

        with pytest.raises(ServerError, match=told) as failed:
            await connection.call("review_page", {"how": how})
        again = await connection.call("review_page", {"how": "tell"})

    assert isinstance(failed.value, ServerGone) is not goes_on
    assert (again == first) is goes_on


def test_the_tab_waits_for_a_call_as_long_as_the_page_does() -> None:
    bridge = (files("classwright_server.review_page") / "assets" / "bridge.js").read_text(encoding="utf-8")
    assert f"ANSWER_MS = {READ_TIMEOUT_SECONDS}_000" in bridge


async def test_a_port_that_there_is_none_of_is_told() -> None:
    with pytest.raises(AgentError, match="--port 99999: cannot be listened on: ports go up to 65535"):
        _listener(99_999)


async def test_an_answer_of_the_tab_waits_for_no_acknowledgement_of_its_head() -> None:
    taken: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken.set_result(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    listener = _listener(0)
    async with await asyncio.start_server(answer, sock=listener):
        with socket.create_connection(listener.getsockname()):
            assert await taken
