"""Connections over HTTP: none is held for long by a client that sends nothing, and there are not too many."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from classwright_server.http import connections
from classwright_server.http.connections import BoundedProtocol
from classwright_server.http.serving import sockets_at
from support.server import PATIENCE_SECONDS

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Answering:
    """An application that answers a request, once it has all of it, when `may` says so."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.may = asyncio.Event()

    async def __call__(self, _scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        while (await receive()).get("more_body"):
            pass
        self.asked.set()
        await self.may.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})


@asynccontextmanager
async def serving(app: Answering) -> AsyncIterator[int]:
    """Serve it, and yield the port."""
    config = uvicorn.Config(app, http=BoundedProtocol, lifespan="off", log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    [listener] = sockets_at("127.0.0.1", 0)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve([listener]))
        yield listener.getsockname()[1]
        server.should_exit = True


async def sent(port: int, data: bytes) -> Stream:
    """Connect, and send something."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    return reader, writer


@pytest.mark.anyio
async def test_a_client_that_owes_a_request_is_let_go_and_one_that_waits_for_its_answer_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "WAIT_SECONDS", 0.05)
    app = Answering()
    async with asyncio.timeout(PATIENCE_SECONDS), serving(app) as port:
        waits, waits_writer = await sent(port, HEAD + b"\r\n{}")
        late = [await sent(port, part) for part in (b"", HEAD, HEAD + b"\r\n{")]
        ends = [await reader.read() for reader, _ in late]
        app.may.set()
        answer = await waits.readline()
        for _, writer in (*late, (waits, waits_writer)):
            writer.close()

    assert ends == [b"", b"", b""]
    assert answer == b"HTTP/1.1 204 No Content\r\n"


@pytest.mark.anyio
async def test_a_connection_is_kept_after_its_answer_however_long_that_took(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[BoundedProtocol] = []
    look, later = BoundedProtocol._close_if_late, BoundedProtocol._look_later

    def look_later(connection: BoundedProtocol) -> None:
        made.append(connection)
        later(connection)

    monkeypatch.setattr(BoundedProtocol, "_look_later", look_later)
    app = Answering()
    async with asyncio.timeout(PATIENCE_SECONDS), serving(app) as port:
        reader, writer = await sent(port, HEAD + b"\r\n{}")
        await app.asked.wait()
        look(made[0])
        app.may.set()
        await reader.readuntil(b"\r\n\r\n")
        look(made[0])
        kept = not made[0].transport.is_closing()
        look(made[0])
        rest = await reader.read()
        writer.close()

    assert kept
    assert rest == b""


@pytest.mark.anyio
async def test_a_connection_too_many_is_refused_and_the_log_says_so_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connections, "most_connections", lambda: 1)
    monkeypatch.setattr(connections, "_warned", -math.inf)
    app = Answering()
    app.may.set()
    async with asyncio.timeout(PATIENCE_SECONDS), serving(app) as port:
        first, writer = await sent(port, HEAD)
        writer.write(b"\r\n{}")
        answer = await first.readline()
        others = [await sent(port, HEAD + b"\r\n{}") for _ in range(2)]
        refused = await asyncio.gather(*(reader.read() for reader, _ in others), return_exceptions=True)
        for one in (writer, *(writer for _, writer in others)):
            one.close()

    assert answer.startswith(b"HTTP/1.1 204")
    assert all(one == b"" or isinstance(one, ConnectionError) for one in refused)
    assert [line.split(",")[0] for line in caplog.messages if "refuses" in line] == ["refuses connections: 1 are open"]
