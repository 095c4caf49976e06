"""A plain round-robin in front of several HTTP servers: each request goes to the next one, as it is."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import cycle

HEAD_END = b"\r\n\r\n"


class RoundRobin:
    """The balancer, and how many requests each server has had."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._next = cycle(ports)
        self.requests: Counter[int] = Counter()
        self.url = ""

    async def forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hand one request on; the connection then closes, so that the next request comes on a new one."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError), contextlib.closing(writer):
            head = await reader.readuntil(HEAD_END)
            port = next(self._next)
            self.requests[port] += 1
            upstream, to_upstream = await asyncio.open_connection("127.0.0.1", port)
            with contextlib.closing(to_upstream):
                to_upstream.write(head.removesuffix(HEAD_END) + b"\r\nConnection: close" + HEAD_END)
                sending = asyncio.create_task(_pipe(reader, to_upstream))
                await _pipe(upstream, writer)
                sending.cancel()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()


@asynccontextmanager
async def round_robin(ports: Sequence[int]) -> AsyncIterator[RoundRobin]:
    """Balance over the servers at `ports` of loopback."""
    balancer = RoundRobin(ports)
    async with await asyncio.start_server(balancer.forward, "127.0.0.1", 0) as server:
        balancer.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp"
        yield balancer
