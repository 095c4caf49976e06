"""The page at /metrics: counters in Prometheus's form, for the operator alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio.to_thread
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from classwright_server.config.principals import current_principal


def metrics_page(security: TransportSecuritySettings, *, needs_token: bool) -> Callable[[Request], Awaitable[Response]]:
    """Return the page, guarded as the MCP endpoint is: by the `Host`, the `Origin` and, if it `needs_token`, by that.

    A principal of an authorization server is turned away: the counters add up what everybody does.
    """
    guard = TransportSecurityMiddleware(security)

    async def page(request: Request) -> Response:
        refused = await guard.validate_request(request)
        if refused:
            return refused
        if needs_token and not isinstance(request.user, AuthenticatedUser):
            return PlainTextResponse("a token is needed", 401, {"WWW-Authenticate": "Bearer"})
        if current_principal() is not None:
            return PlainTextResponse("for the operator alone", 403)
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        found = await anyio.to_thread.run_sync(generate_latest)  # which looks into the jobs' database
        return Response(found, media_type=CONTENT_TYPE_LATEST)

    return page
