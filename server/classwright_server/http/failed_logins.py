"""Failed logins: a line in the log for each, with the client's address, and a count; a flood of them fills no disk.

The SDK answers all alike, "Authentication required", and knows no token that cannot be checked: here is told what more
there is to tell.
"""

from __future__ import annotations

import logging
import time

from opentelemetry import metrics
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from classwright_server.http.tokens import FETCH_SECONDS, KeysUnavailable, has_expired
from classwright_server.jobs.telemetry import SERVICE

logger = logging.getLogger("classwright.logins")

LINES_A_MINUTE = 20
"""Of more failed logins the number alone is told, with the first line of the next minute that has one."""
MOST_ADDRESS_CHARS = 45
"""Of an IPv6 address; a proxy in front may have been told anything."""
_UNCHECKED = "The authorization server's keys cannot be fetched, so no token can be checked. Try again in a moment."
_EXPIRED = (b"Authentication required", b"The token has expired")
"""What the SDK says of every token, and what is said of one that is over."""
_failed = metrics.get_meter(SERVICE).create_counter("classwright.failed.logins", description="Refused for the token.")


class FailedLogins:
    """Tells of each request that is refused for its token, or for lack of one. ASGI middleware, the outermost."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._minute = 0
        self._lines = 0
        self._untold = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and look at how it is answered: 503 where its token cannot be checked.

        A client that gets 401 then has its user log in anew, which does not help either.
        """
        has_expired.set(False)

        async def look(message: Message) -> None:
            if message["type"] == "http.response.start" and "www-authenticate" in Headers(raw=message["headers"]):
                self._tell(scope, message["status"])
                if has_expired.get():
                    message["headers"] = [_of_expired(*header) for header in message["headers"]]
            elif message["type"] == "http.response.body" and has_expired.get():
                message["body"] = message["body"].replace(*_EXPIRED)
            await send(message)

        try:
            await self._app(scope, receive, look)
        except KeysUnavailable:
            words = {"error": "temporarily_unavailable", "error_description": _UNCHECKED}
            await JSONResponse(words, 503, headers={"Retry-After": str(FETCH_SECONDS)})(scope, receive, send)

    def _tell(self, scope: Scope, status: int) -> None:
        if status == 403:
            why = "its token lacks a scope"
        else:
            refused = "its token has expired" if has_expired.get() else "its token is not accepted"
            why = refused if "authorization" in Headers(scope=scope) else "it has no token"
        _failed.add(1, {"status": str(status)})
        minute = int(time.monotonic() // 60)
        if minute != self._minute:
            self._minute, self._lines = minute, 0
        if self._lines == LINES_A_MINUTE:
            self._untold += 1
            return
        self._lines += 1
        address = str((scope.get("client") or ("an unknown address",))[0])[:MOST_ADDRESS_CHARS]
        more = f"; {self._untold:,} more were refused since the line before" if self._untold else ""
        self._untold = 0
        logger.warning("refused a request from %s: %s (%d)%s", address, why, status, more)


def _of_expired(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    """Return a header of the answer to a token that is over, whose words are as long as they are then."""
    if name.lower() == b"content-length":
        return name, str(int(value) + len(_EXPIRED[1]) - len(_EXPIRED[0])).encode()
    return name, value.replace(*_EXPIRED)
