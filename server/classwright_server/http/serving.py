"""The server over streamable HTTP: on loopback as it is, elsewhere only with a token and a list of allowed hosts."""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any

from mcp.server.auth.provider import TokenVerifier
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from pydantic import AnyHttpUrl
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from classwright_server.backend import Backend
from classwright_server.config.database_start import wait_for_database
from classwright_server.config.settings import LOOPBACK, ServerSettings
from classwright_server.http.failed_logins import FailedLogins
from classwright_server.http.metrics_page import metrics_page
from classwright_server.http.open_sessions import OpenSessions
from classwright_server.http.rate_limit import CallRates
from classwright_server.http.ready_route import ready_route
from classwright_server.http.review_route import review_route
from classwright_server.http.tokens import AnyOf, SharedToken, SignedTokens, shared_token
from classwright_server.mcp.app import build_server
from classwright_server.startup_notice import print_startup_notice
from classwright_tools.errors import InvalidInput
from classwright_tools.garbage import importing
from classwright_tools.workspace.folders import check_writable

LOOPBACK_HEADERS = ("127.0.0.1", "localhost", "[::1]")
GRACE_SECONDS = 2
"""How long open streams may hold up a stop."""


def http_app(
    settings: ServerSettings, environment: Mapping[str, str], stopping: threading.Event | None = None
) -> Starlette:
    """Return the ASGI application: the MCP endpoint at /mcp, the page /review for persons, /health and /ready.

    /metrics is there if it is wanted. Once `stopping` is set, calls that wait for a job are answered as it stands.

    Raises:
        InvalidInput: the address is reachable from outside, but a token or the allowed hosts are missing.
    """
    verifier = verifier_of(settings, environment)
    auth = _auth(settings) if verifier else None
    backend = Backend(settings, stopping=stopping)
    server = build_server(backend, auth=auth, token_verifier=verifier)
    return served(server, settings, lambda: backend.opening.failed, needs_token=verifier is not None)


def verifier_of(settings: ServerSettings, environment: Mapping[str, str]) -> TokenVerifier | None:
    """Return who decides about tokens; None if none are asked for.

    Raises:
        InvalidInput: the token cannot be used, or is missing at an address that others reach.
    """
    verifier = _verifier(settings, environment)
    if settings.host not in LOOPBACK and not (verifier and settings.allow_hosts):
        raise InvalidInput(
            f"address {settings.host!r}",
            "can be reached by others, and needs both a token and the host names that clients use",
            "Add --token-env NAME (or --jwks-url) and --allow-host HOST:PORT, or bind to 127.0.0.1.",
        )
    return verifier


def served(
    server: MCPServer[Any], settings: ServerSettings, failed_to_open: Callable[[], bool], *, needs_token: bool
) -> Starlette:
    """Return the application of a server that has its tools; what of HTTP is not the SDK's comes from here alone.

    `failed_to_open` says whether what it stores in could not be opened.
    """
    security = _security(settings)
    server.custom_route("/health", methods=["GET"])(_health)
    server.custom_route("/ready", methods=["GET"])(ready_route(settings.tool_settings, failed_to_open))
    server.custom_route("/review", methods=["GET"])(review_route(security))
    if settings.metrics:
        server.custom_route("/metrics", methods=["GET"])(metrics_page(security, needs_token=needs_token))
    app = server.streamable_http_app(host=settings.host, transport_security=security)
    if needs_token:
        app.user_middleware.insert(0, Middleware(FailedLogins))
    # The innermost: they need to know who calls.
    app.user_middleware.append(Middleware(CallRates, calls_per_minute=settings.limits.calls_per_minute))
    app.user_middleware.append(Middleware(OpenSessions))
    return app


async def _health(_request: Request) -> Response:
    """Say that the process lives, and nothing else: anyone may ask."""
    return JSONResponse({"status": "ok"})


def _security(settings: ServerSettings) -> TransportSecuritySettings:
    """Return which `Host` and `Origin` headers are accepted: the operator's, else those of loopback on any port."""
    if settings.allow_hosts:
        hosts = [form for host in settings.allow_hosts for form in (host, f"{host}:*")]
        return TransportSecuritySettings(
            allowed_hosts=hosts,
            allowed_origins=[f"{scheme}://{host}" for host in hosts for scheme in ("http", "https")],
        )
    return TransportSecuritySettings(
        allowed_hosts=[f"{host}:*" for host in LOOPBACK_HEADERS],
        allowed_origins=[f"http://{host}:*" for host in LOOPBACK_HEADERS],
    )


def serve_http(settings: ServerSettings) -> None:
    """Serve until the process is told to stop.

    Raises:
        InvalidInput: the address cannot be listened on.
        StorageFailed: the workspace cannot be written, or the database of the index does not answer.
        KeyboardInterrupt: whoever started it pressed Ctrl-C; the server has stopped in order.
    """
    import uvicorn

    from classwright_server.http.connections import WAIT_SECONDS, BoundedProtocol, raise_file_limit
    from classwright_server.http.stopping import StoppingServer

    check_writable(settings.tool_settings.workspace, f"workspace {settings.tool_settings.workspace.name!r}")
    stopping = threading.Event()
    raise_file_limit()
    with importing():
        app = http_app(settings, os.environ, stopping)
    wait_for_database(settings.tool_settings)
    listeners = sockets_at(settings.host, settings.port)
    public = f", for clients at {settings.authorization.public_url}" if settings.authorization else ""
    does = f"serves MCP at {_address(settings.host, listeners)}{public}"
    print_startup_notice(does, settings, stop="Ctrl-C.")
    config = uvicorn.Config(
        app,
        log_level="warning",
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=WAIT_SECONDS,  # with uvicorn's 5 s, calls a few seconds apart meet connections that close
        http=BoundedProtocol,
    )
    StoppingServer(config, stopping).run(listeners)


def _address(host: str, listeners: list[socket.socket]) -> str:
    """Return the URL for clients of this machine; the port is the one that the system chose where 0 was asked for."""
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listeners[0].getsockname()[1]}/mcp"


def sockets_at(host: str, port: int) -> list[socket.socket]:
    """Return sockets bound to the addresses of `host`. Bound by uvicorn, a taken one ends the process without an error.

    A name may stand for addresses that this machine lacks, as ::1 where there is no IPv6: one that it has is enough.

    Raises:
        InvalidInput: an address is taken, or there is none.
    """
    bound: list[socket.socket] = []
    lacking: OSError | None = None
    try:
        for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            try:
                bound.append(_listener(family, kind, protocol, address))
            except OSError as error:
                if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                    raise
                lacking = error
        if lacking and not bound:
            raise lacking
    except OSError as error:
        for listener in bound:
            listener.close()
        raise InvalidInput(
            f"address {host}:{port}",
            f"cannot be listened on: {(error.strerror or str(error)).lower()}",
            "End what listens there, or choose another --port or --host.",
        ) from error
    return bound


def _listener(family: int, kind: int, protocol: int, address: Any) -> socket.socket:
    """Return a socket that listens at `address`, set as asyncio sets those that it binds.

    It listens before the address is told: a client that comes at once waits, and is not refused.
    """
    made = socket.socket(family, kind, protocol)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(address)
        made.listen()
    except OSError:
        made.close()
        raise
    return made


def _verifier(settings: ServerSettings, environment: Mapping[str, str]) -> TokenVerifier | None:
    """Return who decides about tokens; None if none are asked for."""
    verifiers: list[TokenVerifier] = []
    if settings.token_env:
        verifiers.append(SharedToken(shared_token(settings.token_env, environment), settings.authorization))
    if settings.authorization:
        verifiers.append(SignedTokens(settings.authorization))
    return AnyOf(verifiers) if verifiers else None


def _auth(settings: ServerSettings) -> AuthSettings:
    """Return what the SDK tells clients about tokens; with a shared token alone there is nothing to discover."""
    server = settings.authorization
    if server is None:
        return AuthSettings(issuer_url=AnyHttpUrl("http://localhost"), resource_server_url=None)  # never shown
    return AuthSettings.model_validate(  # of strings: its URLs then stay as they are written, as OAuth compares them
        {
            "issuer_url": server.issuer,
            "resource_server_url": server.public_url,
            "required_scopes": list(server.required_scopes),
            "validate_token_resource": True,
        }
    )
