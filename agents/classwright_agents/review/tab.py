"""A web page on loopback that hosts the review page: it is a client of the server, and passes the page's calls on."""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from html import escape
from importlib.metadata import version
from importlib.resources import files
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from classwright_agents.errors import ServerError
from classwright_agents.review.connection import Connection

# What MCP Apps lets a view do whose resource asks for nothing (specification of 2026-01-26).
VIEW_POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "connect-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
STYLE = "html, body, iframe { margin: 0; border: 0; width: 100%; height: 100%; display: block; }"
MOST_BYTES = 4 * 2**20
"""Of a call: a lasso names up to 200,000 rows."""


class Tab:
    """The pages of one review. Whoever has no token, or calls by another name than the address, gets nothing."""

    def __init__(self, connection: Connection, given: Mapping[str, str], name: str | None = None) -> None:
        """Show what is `given` (a task, or nothing) of the server behind `connection` to the person called `name`."""
        self._connection = connection
        self._given = dict(given)
        self._name = {"name": name} if name else {}
        self.token = secrets.token_urlsafe(24)
        self.port = 0

    @property
    def url(self) -> str:
        """The address to open."""
        return f"http://127.0.0.1:{self.port}/?{urlencode({'t': self.token, **self._name})}"

    def app(self) -> Starlette:
        """Return the application."""
        return Starlette(
            routes=[
                Route("/", self._guarded(self._host)),
                Route("/view", self._guarded(self._view)),
                Route("/call", self._guarded(self._call), methods=["POST"]),
            ]
        )

    def _guarded(self, answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        """Return what answers those who may ask. A name that leads to this machine is no address of it."""

        async def guard(request: Request) -> Response:
            own = f"127.0.0.1:{self.port}"
            token = request.headers.get("x-token") if request.method == "POST" else request.query_params.get("t")
            is_known = secrets.compare_digest((token or "").encode(), self.token.encode())
            if request.headers.get("host") != own or request.headers.get("origin") not in (None, f"http://{own}"):
                return PlainTextResponse("This address is for the person who started the review.", 403)
            if not is_known:
                return PlainTextResponse("Open the address that classwright-agent review has printed.", 403)
            answered = await answer(request)
            answered.headers.update(
                {"cache-control": "no-store", "referrer-policy": "no-referrer", "x-content-type-options": "nosniff"}
            )
            return answered

        return guard

    async def _host(self, _request: Request) -> Response:
        nonce = secrets.token_urlsafe(16)
        script = (files("classwright_agents.review") / "host.js").read_text(encoding="utf-8")
        policy = (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; "
            "frame-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
        )
        page = (
            '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>Classwright review</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<style nonce="{nonce}">{STYLE}</style></head>'
            f'<body data-given="{escape(json.dumps(self._given))}" data-version="{escape(version("classwright"))}">'
            f'<iframe id="view" title="Review" sandbox="allow-scripts"></iframe>'
            f'<script nonce="{nonce}">{script}</script></body></html>'
        )
        return HTMLResponse(page, headers={"content-security-policy": policy})

    async def _view(self, _request: Request) -> Response:
        return HTMLResponse(self._connection.page(), headers={"content-security-policy": VIEW_POLICY})

    async def _call(self, request: Request) -> Response:
        body = await request.body()
        if len(body) > MOST_BYTES:
            return PlainTextResponse(f"The call is longer than {MOST_BYTES // 2**20} MiB: choose fewer rows.", 413)
        try:
            given = json.loads(body)
            name, arguments = str(given["name"]), dict(given.get("arguments") or {})
        except (ValueError, TypeError, KeyError):
            return PlainTextResponse("This is no call of a tool.", 400)
        try:
            return JSONResponse(await self._connection.call(name, arguments))
        except ServerError as error:  # the page asks again
            return PlainTextResponse(str(error), 502)
