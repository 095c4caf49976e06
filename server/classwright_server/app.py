"""The MCP server: tools, resources and prompts in one `MCPServer`, the same over stdio and HTTP, in both eras."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mcp.server.auth.provider import TokenVerifier
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer

from classwright_server import __version__
from classwright_server.backend import Backend
from classwright_server.prompts import add_prompts
from classwright_server.resources import add_resources
from classwright_server.settings import ServerSettings
from classwright_server.texts import INSTRUCTIONS
from classwright_server.tools import served_tools


def build_server(
    settings: ServerSettings, *, auth: AuthSettings | None = None, token_verifier: TokenVerifier | None = None
) -> MCPServer[Backend]:
    """Return the server that `settings` describe; nothing heavy is imported or opened yet."""
    backend = Backend(settings)

    @asynccontextmanager
    async def lifespan(_server: MCPServer[Backend]) -> AsyncIterator[Backend]:
        async with backend.running():
            yield backend

    server: MCPServer[Backend] = MCPServer(
        "classwright",
        title="Classwright",
        description="Grows text classifiers out of a conversation.",
        instructions=INSTRUCTIONS,
        version=__version__,
        tools=served_tools(backend),
        lifespan=lifespan,
        auth=auth,
        token_verifier=token_verifier,
        log_level="WARNING",
    )
    add_resources(server, backend)
    add_prompts(server)
    return server
