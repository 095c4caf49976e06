"""The MCP server: tools, resources and prompts in one `MCPServer`, the same over stdio and HTTP, in both eras."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from mcp.server.auth.provider import TokenVerifier
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.tools import Tool

from classwright_server import __version__
from classwright_server.backend import Backend
from classwright_server.mcp.apps import review_app
from classwright_server.mcp.instructions import INSTRUCTIONS
from classwright_server.mcp.job_tasks import JobTasks
from classwright_server.mcp.page_tools import page_tools_for_pages
from classwright_server.mcp.prompts import add_prompts, prompt_errors
from classwright_server.mcp.resources import add_resources
from classwright_server.mcp.skills_extension import SkillsExtension
from classwright_server.mcp.task_push import TaskPush
from classwright_server.mcp.tasks_extension import TasksExtension, TaskSource
from classwright_server.mcp.tools import served_tools


def build_server(
    backend: Backend, *, auth: AuthSettings | None = None, token_verifier: TokenVerifier | None = None
) -> MCPServer[Backend]:
    """Return the server of a `backend`; nothing heavy is imported or opened yet."""

    @asynccontextmanager
    async def lifespan(_server: MCPServer[Backend]) -> AsyncIterator[Backend]:
        async with backend.running():
            yield backend

    server: MCPServer[Backend] = assembled(
        served_tools(backend), JobTasks(backend), backend.tools, lifespan, auth=auth, token_verifier=token_verifier
    )
    add_resources(server, backend)
    add_prompts(server)
    return server


def assembled(
    tools: list[Tool],
    tasks: TaskSource,
    starting: Collection[str],
    lifespan: Callable[[MCPServer[Any]], AbstractAsyncContextManager[Any]],
    *,
    auth: AuthSettings | None = None,
    token_verifier: TokenVerifier | None = None,
) -> MCPServer[Any]:
    """Return a server of `tools`, of which those `starting` may answer with one of the `tasks`.

    What of the protocol is not ours comes from here alone, so that a server of other tools behaves the same.
    """
    return MCPServer(
        "classwright",
        title="Classwright",
        description="Grows text classifiers out of a conversation.",
        instructions=INSTRUCTIONS,
        version=__version__,
        tools=tools,
        extensions=[TasksExtension(tasks, starting), review_app(), SkillsExtension()],
        middleware=[TaskPush(tasks), prompt_errors, page_tools_for_pages(tools)],
        lifespan=lifespan,
        auth=auth,
        token_verifier=token_verifier,
        log_level="WARNING",
    )
