"""The review page at /review: the same for everybody and without a row; its calls go to /mcp, by the rules of that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from classwright_server.review_page.document import own_page

HEADERS = {
    "content-security-policy": "frame-ancestors 'none'",  # the rest stands in the document, which holds its digests
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
}


def review_route(security: TransportSecuritySettings) -> Callable[[Request], Awaitable[Response]]:
    """Return the page, guarded by the `Host` and the `Origin` as the MCP endpoint is.

    It needs no token, since it holds nothing: it asks the person for one when a call of its is refused.
    """
    guard = TransportSecurityMiddleware(security)

    async def page(request: Request) -> Response:
        refused = await guard.validate_request(request)
        return refused or HTMLResponse(own_page(), headers=HEADERS)

    return page
