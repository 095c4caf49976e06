"""The server over streamable HTTP: on loopback as it is, elsewhere only with a token and a list of allowed hosts."""

from __future__ import annotations

import hmac
import os
from collections.abc import Mapping

from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.server.auth.settings import AuthSettings
from mcp.server.transport_security import TransportSecuritySettings
from pydantic import AnyHttpUrl
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from classwright_server.app import build_server
from classwright_server.settings import LOOPBACK, ServerSettings
from classwright_tools.errors import InvalidInput

GRACE_SECONDS = 2
"""How long open streams may hold up a stop."""
MIN_TOKEN_CHARS = 16


class SharedToken(TokenVerifier):
    """Accepts the one token that the operator set, compared in constant time."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return who `token` stands for, or None."""
        if not hmac.compare_digest(token.encode(), self._token):
            return None
        return AccessToken(token=token, client_id="operator", scopes=[])


def http_app(settings: ServerSettings, environment: Mapping[str, str]) -> Starlette:
    """Return the ASGI application: the MCP endpoint at /mcp, and /health for a load balancer.

    Raises:
        InvalidInput: the address is reachable from outside, but a token or the allowed hosts are missing.
    """
    verifier = _verifier(settings, environment)
    if settings.host not in LOOPBACK and not (verifier and settings.allow_hosts):
        raise InvalidInput(
            f"address {settings.host!r}",
            "can be reached by others, and needs both a token and the host names that clients use",
            "Add --token-env NAME and --allow-host HOST:PORT, or bind to 127.0.0.1.",
        )
    server = build_server(settings, auth=_auth(settings) if verifier else None, token_verifier=verifier)

    server.custom_route("/health", methods=["GET"])(_health)

    security = None
    if settings.allow_hosts:
        security = TransportSecuritySettings(
            allowed_hosts=[form for host in settings.allow_hosts for form in (host, f"{host}:*")],
            allowed_origins=[f"{scheme}://{host}" for host in settings.allow_hosts for scheme in ("http", "https")],
        )
    return server.streamable_http_app(host=settings.host, transport_security=security)


async def _health(_request: Request) -> Response:
    """Say that the process lives, and nothing else: anyone may ask."""
    return JSONResponse({"status": "ok"})


def serve_http(settings: ServerSettings) -> None:
    """Serve until the process is told to stop."""
    import uvicorn

    uvicorn.run(
        http_app(settings, os.environ),
        host=settings.host,
        port=settings.port,
        log_level="warning",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def _verifier(settings: ServerSettings, environment: Mapping[str, str]) -> SharedToken | None:
    if settings.token_env is None:
        return None
    token = environment.get(settings.token_env, "")
    if len(token) < MIN_TOKEN_CHARS:
        raise InvalidInput(
            f"environment variable {settings.token_env!r}",
            f"should hold the token, {MIN_TOKEN_CHARS} characters or more, and does not",
            "Set it, for example to the output of: openssl rand -hex 32.",
        )
    return SharedToken(token)


def _auth(settings: ServerSettings) -> AuthSettings:
    """Return the SDK's settings for a fixed token; there is no authorization server behind it."""
    own_url = AnyHttpUrl(f"http://{settings.host}:{settings.port}")
    return AuthSettings(issuer_url=own_url, resource_server_url=None)
