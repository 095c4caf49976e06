"""The rate limit of requests: a token bucket for each principal with a bearer token."""

from __future__ import annotations

from collections import OrderedDict

from aiolimiter import AsyncLimiter
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp_types import JSONRPCError
from mcp_types.jsonrpc import ErrorData
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from classwright_server.config.principals import slug_of

TOO_MANY_REQUESTS = 429
MAX_BUCKETS = 10_000
"""Principals of the last while that are remembered; one that is forgotten begins with a full bucket."""
_ERROR_CODE = -32000  # of JSON-RPC: the first of those that a server may define


class CallRates:
    """Refuses the requests of a principal who sends too many. ASGI middleware, for after the authentication.

    Who needs no token, over stdio or on loopback, is the operator on their own machine, and is not counted.
    """

    def __init__(self, app: ASGIApp, calls_per_minute: int) -> None:
        self._app = app
        self._calls_per_minute = calls_per_minute
        self._buckets: OrderedDict[str | None, AsyncLimiter] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with 429 and when to try again."""
        token = get_access_token()
        if token is None:
            await self._app(scope, receive, send)
            return
        bucket = self._bucket(slug_of(token))
        if bucket.has_capacity():
            await bucket.acquire()
            await self._app(scope, receive, send)
        else:
            seconds = -(-60 // self._calls_per_minute)  # until the next request fits, rounded up
            message = (
                f"Too many requests: {self._calls_per_minute} a minute are allowed. Try again in {seconds} s; "
                "to wait for a job, call get_job with a higher wait_seconds."
            )
            await refusal(message, seconds)(scope, receive, send)

    def _bucket(self, principal: str | None) -> AsyncLimiter:
        bucket = self._buckets.pop(principal, None) or AsyncLimiter(self._calls_per_minute, time_period=60)
        self._buckets[principal] = bucket
        if len(self._buckets) > MAX_BUCKETS:
            self._buckets.popitem(last=False)
        return bucket


def refusal(message: str, seconds: int) -> Response:
    """Return the answer to who takes too much: 429, why, and in how many seconds to try again."""
    error = JSONRPCError(jsonrpc="2.0", id=None, error=ErrorData(code=_ERROR_CODE, message=message))
    return Response(
        error.model_dump_json(by_alias=True, exclude_unset=True),
        TOO_MANY_REQUESTS,
        headers={"Retry-After": str(seconds)},
        media_type="application/json",
    )
