"""Refusals of a server over HTTP: what its status means, and the repair."""

from __future__ import annotations

import httpx2

from classwright_agents.errors import ServerError

_REFUSED = {
    403: ("does not let this token in: it lacks a scope", "Ask whoever runs the server, or who gives out its tokens."),
    404: ("has nothing at this address", "The address of a Classwright server ends in /mcp."),
    421: ("does not answer by the name in its URL", "Have it started with --allow-host and this name."),
    429: ("is called more often than it allows, by you or with your token", "Wait a minute, then go on."),
    503: ("cannot answer now", "Try again in a minute; its log says why."),
}
"""What a status over HTTP means, and the repair."""


class Refusals:
    """Keeps the last status over HTTP, of which the SDK tells its callers nothing but that it is an error."""

    def __init__(self, url: str, token_env: str | None) -> None:
        self._url = url
        self._token_env = token_env
        self._last = 200

    async def look(self, response: httpx2.Response) -> None:
        """Look at how a request was answered."""
        self._last = response.status_code

    def error(self) -> ServerError | None:
        """Return why the server refuses, if its last answer says so."""
        if self._last == 401:
            if not self._token_env:
                repair = "Name the environment variable that holds it: --token-env NAME, or 'token_env' in a task file."
                return self._told("asks for a token", repair)
            repair = "Set it to the server's token; one that an authorization server gave may be over."
            return self._told(f"does not take the token in environment variable {self._token_env!r}", repair)
        return self._told(*_REFUSED[self._last]) if self._last in _REFUSED else None

    def _told(self, reason: str, repair: str) -> ServerError:
        return ServerError(f"Server {self._url!r}", f"{reason} (HTTP {self._last})", repair)
