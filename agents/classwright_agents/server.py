"""The connection to a Classwright server: started over stdio, or reached by URL."""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, TextIO

import anyio
import httpx2
from mcp import Client, MCPError, StdioServerParameters, stdio_client
from mcp.client import advertise
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CONNECTION_CLOSED, INVALID_PARAMS, BlobResourceContents, CallToolResult, TextContent, Tool

from classwright_agents.answers import read_as
from classwright_agents.errors import AgentError, ServerError, ServerGone, ToolError, unwritten
from classwright_agents.refusals import Refusals
from classwright_agents.task_file import DEFAULT_COMMAND, ServerEntry
from classwright_tools.contract import CostEstimate
from classwright_tools.errors import unusable_secret

# Jobs answer at once: a server that is silent for so long will not answer. The review page waits as long for each call.
READ_TIMEOUT_SECONDS = 60
MAX_EVENT_BYTES = 16 * 1024 * 1024
LOG = "server.log"
MAX_LINE_CHARS = 300
# MCP Apps' own names. They stand in the SDK's server, which is not for clients to load.
EXTENSION_ID = "io.modelcontextprotocol/ui"
SESSION_OVER = "Session terminated"
"""What the SDK says where a server that was started anew does not know the session."""
APP_MIME_TYPE = "text/html;profile=mcp-app"


class Server:
    """A connected server; one that this process started writes a `log`, and ends with this process."""

    def __init__(self, client: Client, log: Path | None, refusals: Refusals | None = None) -> None:
        self._refusals = refusals
        self._client = client
        self._takes: dict[str, set[str]] = {}
        self._log = log

    @property
    def own(self) -> bool:
        """Whether this process started it."""
        return self._log is not None

    async def call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Call a tool and return its structured result.

        Raises:
            ToolError: the tool refused, in its own words.
            ServerError: the server went away.
        """
        result = await self._request(lambda: self._client.call_tool(tool, arguments))
        if result.is_error:
            raise ToolError(f"Tool {tool!r}", _text(result).removeprefix(f"Error executing tool {tool}: "), "")
        return dict(result.structured_content or {})

    async def start(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Call a tool without waiting for its job: return the job's view, or the result of a tool that makes no job.

        Raises:
            ToolError: the tool refused, or the server does not have it.
            ServerError: the server went away.
        """
        no_wait = {"wait_seconds": 0} if "wait_seconds" in await self._arguments_of(tool) else {}
        return await self.call(tool, {**arguments, **no_wait})

    async def estimate(self, tool: str, arguments: dict[str, Any]) -> CostEstimate | None:
        """Return what a call should take; None where the server does not tell.

        Raises:
            ToolError: the tool refused, or the server does not have it.
            ServerError: the server went away.
        """
        if "dry_run" not in await self._arguments_of(tool):
            return None
        told = (await self.call(tool, {**arguments, "dry_run": True})).get("estimate")
        return read_as(CostEstimate, told, f"The estimate of {tool!r}") if told else None

    async def _arguments_of(self, tool: str) -> set[str]:
        """Return the names of a tool's arguments."""
        if not self._takes:
            self._takes = {tool.name: set(tool.input_schema.get("properties") or ()) for tool in await self.tools()}
        if tool not in self._takes:
            raise ToolError(f"Tool {tool!r}", "is not offered by the server", "Connect to a Classwright server.")
        return self._takes[tool]

    async def tools(self) -> list[Tool]:
        """Return the tools that the server lists.

        Raises:
            ServerError: the server went away.
        """
        return list((await self._request(self._client.list_tools)).tools)

    async def whole(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Call a tool and return its result as it is on the wire, be it a failure.

        Raises:
            ServerError: the server went away.
        """
        result = await self._request(lambda: self._client.call_tool(tool, arguments))
        return dict(result.model_dump(mode="json", by_alias=True, exclude_none=True))

    async def read(self, uri: str) -> bytes:
        """Return the content of the resource `uri`.

        Raises:
            ServerError: it does not exist, or the server went away.
        """
        contents = (await self._request(lambda: self._client.read_resource(uri))).contents
        try:
            content = contents[0]
            if isinstance(content, BlobResourceContents):
                return base64.b64decode(content.blob)
            return str(content.text).encode()
        except (IndexError, ValueError) as error:  # nothing, no base64, half a character
            raise ServerError("The server", "answered with a resource that cannot be read", self._repair()) from error

    async def _request(self, request: Callable[[], Any]) -> Any:
        try:
            return await request()
        except MCPError as error:
            if error.code == CONNECTION_CLOSED or error.message == SESSION_OVER:
                raise ServerGone(self._repair()) from error
            if refused := self._refusals and self._refusals.error():
                raise refused from error
            if error.code == INVALID_PARAMS:  # it says itself what helps, and its log has nothing of it
                raise ServerError("The server", "refuses the request", error.message) from error
            raise ServerError("The server", f"answered with an error: {error.message}", self._repair()) from error
        except (ValueError, RuntimeError, TypeError) as error:  # of the SDK, for what is not as MCP or its schema say
            reason = f"answered with something that cannot be read ({type(error).__name__})"
            raise ServerError("The server", reason, self._repair()) from error
        except (OSError, TimeoutError, httpx2.HTTPError, anyio.ClosedResourceError, anyio.BrokenResourceError) as error:
            raise ServerGone(self._repair()) from error

    def _repair(self) -> str:
        return f"{_read(self._log)}." if self._log else "Look at its log."


def _read(log: Path) -> str:
    """Return where the server's last words are."""
    return f"Its last words are in {log}"


def _text(result: CallToolResult) -> str:
    """Return the text of a result."""
    return " ".join(block.text for block in result.content if isinstance(block, TextContent)) or "no reason was given"


@asynccontextmanager
async def connect(entry: ServerEntry, folder: Path, run: Path, *, shows_pages: bool = False) -> AsyncIterator[Server]:
    """Connect to the server of `entry`; a command runs in `folder`, with its log in `run`.

    With `shows_pages` the server is told that pages of MCP Apps are shown here, and has the tools for them listed.

    Raises:
        ServerError: it cannot be started or reached.
        RunError: the log cannot be written.
    """
    more = {"extensions": [advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})]} if shows_pages else {}
    refusals = Refusals(entry.url, entry.token_env) if entry.url else None
    if entry.url and refusals:
        opened = _by_url(entry.url, entry.token_env, refusals, more)
    else:
        opened = _by_command(entry.command, folder, run, more)
    try:
        async with opened as client:
            yield Server(client, None if entry.url else run / LOG, refusals)
    except BaseExceptionGroup as group:  # the transport's task group wraps what was raised while it was open
        raise agent_error(group) or group from None


@asynccontextmanager
async def _by_command(
    command: tuple[str, ...] | None, folder: Path, run: Path, more: dict[str, Any]
) -> AsyncIterator[Client]:
    words = [word.replace("{workspace}", str(run / "workspace")) for word in command or DEFAULT_COMMAND]
    # Programs that were installed beside this one are found without an activated environment.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    parameters = StdioServerParameters(
        command=words[0], args=words[1:], cwd=folder, env={**os.environ, "PATH": path}, encoding_error_handler="replace"
    )
    subject = f"Server command {words[0]!r}"
    async with AsyncExitStack() as stack:
        log = stack.enter_context(_opened_log(run))
        try:
            begin = log.tell()
            opened = _opened(stdio_client(parameters, errlog=log), subject, lambda: _last_words(run, begin), more)
            client = await stack.enter_async_context(opened)
        except FileNotFoundError as error:
            repair = "Install it, or name another in 'server.command'."
            raise ServerError(subject, "is not installed", repair) from error
        except OSError as error:  # such as a file that is no program
            raise ServerError(subject, f"cannot be started: {error.strerror or error}", "Name a program.") from error
        yield client


def _last_words(run: Path, begin: int) -> str:
    """Return where the server's log is, and its last line after the place `begin`, which often names the mistake."""
    with (run / LOG).open("rb") as log:
        log.seek(begin)
        lines = log.read().decode(errors="replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    where = _read(run / LOG)
    return f"{where}: {last[:MAX_LINE_CHARS]}" if last else f"{where}."


def _opened_log(run: Path) -> TextIO:
    try:
        return (run / LOG).open("a", encoding="utf-8")
    except OSError as error:
        raise unwritten(run.name, LOG, error) from error


@asynccontextmanager
async def _by_url(url: str, token_env: str | None, refusals: Refusals, more: dict[str, Any]) -> AsyncIterator[Client]:
    headers = {}
    if token_env:
        token = os.environ.get(token_env)
        if reason := unusable_secret(token):
            raise ServerError(f"Environment variable {token_env!r}", reason, "Set it to the server's token.")
        headers["Authorization"] = f"Bearer {token}"
    timeout = httpx2.Timeout(30, read=READ_TIMEOUT_SECONDS)
    async with (
        httpx2.AsyncClient(headers=headers, timeout=timeout, event_hooks={"response": [refusals.look]}) as http,
        _opened(
            streamable_http_client(url, http_client=http, max_sse_event_size=MAX_EVENT_BYTES),
            f"Server {url!r}",
            lambda: "Is it a Classwright server?",
            more,
            refusals,
        ) as client,
    ):
        yield client


@asynccontextmanager
async def _opened(
    transport: Any, subject: str, repair: Callable[[], str], more: dict[str, Any], refusals: Refusals | None = None
) -> AsyncIterator[Client]:
    """Yield a client on `transport` once the server has introduced itself; `repair` gives the repair if it does not."""
    async with AsyncExitStack() as stack:
        try:
            client = await stack.enter_async_context(
                Client(transport, read_timeout_seconds=READ_TIMEOUT_SECONDS, **more)
            )
        except (MCPError, TimeoutError, httpx2.HTTPError, ExceptionGroup) as error:
            if refused := refusals and refusals.error():
                raise refused from error
            raise ServerError(subject, f"does not answer: {_cause(error)}", repair()) from error
        yield client


def _cause(error: BaseException) -> str:
    """Return the innermost reason of a failed connection, in a few words."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return " ".join(str(error).split())[:200] or type(error).__name__


def agent_error(group: BaseExceptionGroup[BaseException]) -> AgentError | None:
    """Return the agent's own error that is wrapped in `group`, if there is one."""
    for error in group.exceptions:
        found = agent_error(error) if isinstance(error, BaseExceptionGroup) else error
        if isinstance(found, AgentError):
            return found
    return None
