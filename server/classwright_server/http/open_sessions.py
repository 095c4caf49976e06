"""The limit on open sessions of the older revision: no principal may take all that there are."""

from __future__ import annotations

import time
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.streamable_http import MCP_SESSION_ID_HEADER
from mcp.server.streamable_http_manager import DEFAULT_SESSION_IDLE_TIMEOUT
from mcp.shared.inbound import MCP_PROTOCOL_VERSION_HEADER
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from classwright_server.config.principals import slug_of
from classwright_server.http.rate_limit import refusal

MAX_SESSIONS = 500
"""Of one principal; the SDK keeps 10,000 in all."""


@dataclass
class _Session:
    """A session's principal, its requests under way, and since when there are none (monotonic seconds)."""

    principal: str | None
    requests: int = 0
    idle_since: float = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the SDK still keeps it."""
        return self.requests > 0 or time.monotonic() < self.idle_since + DEFAULT_SESSION_IDLE_TIMEOUT


class OpenSessions:
    """Refuses to open a session for who has too many. ASGI middleware, for after the authentication.

    Who needs no token, over stdio or on loopback, is the operator on their own machine, and is not counted.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._sessions: dict[object, _Session] = {}  # by id; one that is being opened by itself

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with 429 if it would open a session too many."""
        token = get_access_token()
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        session_id = headers.get(MCP_SESSION_ID_HEADER)
        if token is None:
            await self._app(scope, receive, send)
        elif session_id is None and _may_open(scope, headers):
            await self._open(slug_of(token), scope, receive, send)
        elif (session := self._sessions.get(session_id)) and session.principal == slug_of(token):
            await self._go_on(session_id, session, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _open(self, principal: str | None, scope: Scope, receive: Receive, send: Send) -> None:
        self._sessions = {id_: session for id_, session in self._sessions.items() if session.is_open}
        if sum(session.principal == principal for session in self._sessions.values()) >= MAX_SESSIONS:
            message = (
                f"Too many sessions: {MAX_SESSIONS} of yours are open. End those that are not needed with DELETE; "
                f"idle ones end after {DEFAULT_SESSION_IDLE_TIMEOUT // 60} minutes."
            )
            await refusal(message, DEFAULT_SESSION_IDLE_TIMEOUT)(scope, receive, send)
            return
        opening = object()
        session = self._sessions[opening] = _Session(principal)

        async def note(message: Message) -> None:
            opened = _session_of(message)
            if opened:
                self._sessions[opened] = session
            await send(message)

        try:
            await self._go_on(opening, session, scope, receive, note)
        finally:
            self._sessions.pop(opening, None)

    async def _go_on(self, id_: object, session: _Session, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request in `session`; one that ended it makes it be forgotten."""

        async def watch(message: Message) -> None:
            if scope["method"] == "DELETE" and message.get("status") == 200:
                self._sessions.pop(id_, None)
            await send(message)

        session.requests += 1
        try:
            await self._app(scope, receive, watch)
        finally:
            session.requests -= 1
            session.idle_since = time.monotonic()


def _may_open(scope: Scope, headers: Headers) -> bool:
    """Whether a request without a session may open one: those of the newer revision have none."""
    version = headers.get(MCP_PROTOCOL_VERSION_HEADER)
    return scope["type"] == "http" and scope["method"] == "POST" and version in (None, *HANDSHAKE_PROTOCOL_VERSIONS)


def _session_of(message: MutableMapping[str, Any]) -> str | None:
    """Return the session that the start of an answer says was opened, if it is one."""
    is_opening = message["type"] == "http.response.start" and message["status"] < 400
    return Headers(raw=message["headers"]).get(MCP_SESSION_ID_HEADER) if is_opening else None
