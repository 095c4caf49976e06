"""Connections of the HTTP server, bounded in number and in time: a client that sends nothing holds one for minutes."""

from __future__ import annotations

import asyncio
import logging
import math
import resource
import time
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

logger = logging.getLogger("classwright.connections")

WAIT_SECONDS = 75
"""For the head and the body of a request, at least, and twice as long at most; so long, too, is an idle one kept."""
_MOST_FILES = 8_192
_WARN_SECONDS = 60.0
_warned = -math.inf


def raise_file_limit() -> None:
    """Let this process have as many files open as it may, up to some thousands: half of them may be connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def most_connections() -> int:
    """Return how many connections there may be: half of the files that may be open, for jobs need the others."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return (_MOST_FILES if soft == resource.RLIM_INFINITY else soft) // 2


def _warn(most: int) -> None:
    """Log that a connection is refused, once a minute: its client is told nothing."""
    global _warned  # the limit is the process's
    now = time.monotonic()
    if now - _warned >= _WARN_SECONDS:
        _warned = now
        files = f"half of the files that may be open (`ulimit -Hn`, {_MOST_FILES:,} at most)"
        logger.warning("refuses connections: %s are open, %s", f"{most:,}", files)


class BoundedProtocol(H11Protocol):
    """A connection that is closed where there are too many, or while its client keeps the server waiting for long.

    uvicorn itself gives a client time between two requests alone, and any amount of it for the first one, a head, or
    a body.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to watch it."""
        super().connection_made(transport)
        self._owed: Any = None  # its first request; later on, that it owes nothing
        self._look_later()
        if len(self.connections) > most_connections():
            _warn(most_connections())
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Watch it no longer."""
        self._look.cancel()
        super().connection_lost(exc)

    def _look_later(self) -> None:
        self._look = self.loop.call_later(WAIT_SECONDS, self._close_if_late)

    def _close_if_late(self) -> None:
        """Close it if the client owes the same request, or a part of it, since the last look."""
        request = self.cycle
        is_owed = request is None or request.response_complete or request.more_body
        if is_owed and request is self._owed:
            self.transport.close()
        else:
            self._owed = request if is_owed else None
            self._look_later()
