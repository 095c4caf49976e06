"""What the server's tests share: settings, real server processes over HTTP, rows, and a writer's endpoint."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Self

import httpx
import psutil
from mcp import Client
from mcp.client import advertise
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID
from mcp.server.auth.middleware.auth_context import auth_context_var
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolResult

from classwright_server.backend import Backend
from classwright_server.config.settings import ServerSettings, ToolSettings
from classwright_server.jobs.warm import WarmProcesses
from classwright_server.mcp.app import build_server
from classwright_server.vllm import free_port
from classwright_tools.writing.backends.endpoint_settings import EndpointSettings
from support.answer import check_told
from support.writing import Said, Seen, said_items
from support.writing_verbs import sentence

APPS = [advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})]
"""What a client says that shows pages of MCP Apps."""
ERAS = {"auto": "2026-07-28", "legacy": "2025-11-25"}
LABELS = [
    {"name": "refund", "description": "the customer wants money back"},
    {"name": "delivery", "description": "the customer asks where a parcel is"},
]
TASK = {"task": "support", "instruction": "Classify a message to a shop's support.", "labels": LABELS}
TREE = {**TASK, "source_types": ["email"], "topics_per_label": 2, "subtopics_per_topic": 2}
"""A job that asks the writer six times, of which the last four want the answers to the first two: a tree of `CELLS`.

It embeds nothing, so its server imports no torch: where any job of the writer will do, that saves seconds.
"""
CELLS = 8
PATIENCE_SECONDS = 120.0
"""How long a test waits for what should come at once, on a machine that may be busy."""
LONG = 50
"""Seconds, about as many as a call may wait."""
ISSUER = "https://login.example"


def make_settings(
    workspace: Path, *, writer_url: str | None = None, index_url: str | None = None, **changes: Any
) -> ServerSettings:
    """Return settings for a server on `workspace`."""
    writer = EndpointSettings(base_urls=(writer_url,), model="scripted") if writer_url else None
    tool_settings = ToolSettings(workspace=workspace, writer=writer, index_url=index_url)
    return ServerSettings(tool_settings=tool_settings, **changes)


@cache
def shared_processes() -> WarmProcesses:
    """The compute processes that the servers in this process share; they end with it.

    A test may take a minute, and what the next one starts anew imports torch for seconds: so they are kept for longer.
    """
    return WarmProcesses(idle_seconds=300)


def make_server(settings: ServerSettings, *, shares: bool = True) -> MCPServer[Any]:
    """Return a server for this process; one that does not share has compute processes of its own."""
    return build_server(Backend(settings, shared_processes() if shares else None))


@asynccontextmanager
async def connected(settings: ServerSettings, mode: str = "auto", *, shares: bool = True) -> AsyncIterator[Client]:
    """Connect to such a server."""
    async with Client(make_server(settings, shares=shares), mode=mode) as client:
        yield client


async def call(client: Client, tool: str, arguments: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Call a tool that should succeed, and return its structured result, which must tell what it does not show.

    With `wait_seconds=LONG` the job is waited for to its end, also on a machine where it takes longer than a call may.
    """
    result = await client.call_tool(tool, {**(arguments or {}), **more})
    assert isinstance(result, CallToolResult)
    assert not result.is_error, result.content
    view = result.structured_content
    assert view is not None
    await check_told(client, view)
    if more.get("wait_seconds") == LONG and view.get("status") in ("queued", "running"):
        return await finished(client, view["job_id"])
    return view


async def call_failing(client: Client, tool: str, **arguments: Any) -> str:
    """Call a tool that should fail, and return the text of its error, which a job may bring later than the call."""
    result = await client.call_tool(tool, arguments)
    assert isinstance(result, CallToolResult)
    if not result.is_error and (view := result.structured_content) and view.get("status") in ("queued", "running"):
        ended = await finished(client, view["job_id"])
        assert ended["status"] == "failed", ended
        return str(ended["error"])
    assert result.is_error, result.structured_content
    return str(result.content[0].text)  # type: ignore[union-attr]  # an error is one text


async def finished(client: Client, job_id: str, seconds: float = 300) -> dict[str, Any]:
    """Return the view of a job once it is finished."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        view = await call(client, "get_job", job_id=job_id, wait_seconds=10)
        if view["status"] not in ("queued", "running"):
            return view
    raise AssertionError(f"{job_id} did not finish: {view}")


def token_of(name: str | None, **changes: Any) -> AccessToken:
    """The verified token of the person `name`."""
    fields = {"token": "t", "client_id": "app", "scopes": [], "subject": name, "claims": {"iss": ISSUER}}
    return AccessToken(**{**fields, **changes})


@contextmanager
def signed_in(name: str | None) -> Iterator[None]:
    """Send what is sent inside as the HTTP transport does for the verified token of `name`; None is the operator."""
    before = auth_context_var.set(AuthenticatedUser(token_of(name)) if name else None)
    try:
        yield
    finally:
        auth_context_var.reset(before)


def rows(n: int = 24, first: int = 0) -> list[dict[str, str]]:
    """`n` rows of two labels that a classifier can tell apart."""
    asks = {"refund": "I want my money back", "delivery": "where does my parcel stay"}
    return [
        {"text": f"{sentence(first + number)}: {ask}", "label": label}
        for number in range(n // 2)
        for label, ask in asks.items()
    ]


def topics(n: int, name: str = "situation") -> dict[str, Any]:
    """The arguments that make a topic tree of `n` cells a label, each with a subtopic of its own."""
    branches = [
        {
            "label": label["name"],
            "topics": [
                {
                    "name": f"{name} {part} of {label['name']}",
                    "subtopics": [f"{label['name']} {name} {part} {i}" for i in cells],
                }
                for part, cells in enumerate(_parts(n))
            ],
        }
        for label in LABELS
    ]
    return {"source_types": ["email"], "topics": branches}


def _parts(n: int, size: int = 20) -> list[range]:
    return [range(start, min(start + size, n)) for start in range(0, n, size)]


def writes_sentences(seen: Seen) -> Said:
    """Answer a request for examples with as many sentences as it asks for, and one for topics with as many names."""
    if seen.prompt.startswith("Name "):
        number = int.from_bytes(seen.prompt.encode()) % 1_000_003
        return said_items(*(f"matter {number + place}" for place in range(int(seen.prompt.split()[1]))))
    number = seen.prompt.partition("Write ")[2].split()[0]
    wanted = 1 if number == "one" else int(number)
    start = sum(map(ord, seen.situation)) * 7 + int.from_bytes(seen.situation.encode()[-4:], "big")
    return said_items(*(sentence(start * 50 + place) for place in range(wanted)))


class CommandProcess:
    """`classwright COMMAND` in a process of its own. Its log is a file: a pipe that nobody reads would hold it up."""

    def __init__(
        self, command: str, workspace: Path, *flags: str, environment: Mapping[str, str] | None = None
    ) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  # closed by __exit__
        self.process = subprocess.Popen(
            [sys.executable, "-m", "classwright_server.cli", command, "--workspace", str(workspace), *flags],
            env={**os.environ, **(environment or {})},
            stderr=self._log,
        )

    def __enter__(self) -> Self:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self.is_ready():
            if time.monotonic() > deadline:
                self.kill()  # after an error here nobody calls `__exit__`
            assert self.process.poll() is None, f"it did not start: {self.log()}"
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait()
        self._log.close()

    def is_ready(self) -> bool:
        """Whether it does what it is for."""
        raise NotImplementedError

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def log(self) -> str:
        """What it has written to its log."""
        return os.pread(self._log.fileno(), 1 << 24, 0).decode()


class ServerProcess(CommandProcess):
    """`classwright serve --http`."""

    def __init__(
        self, workspace: Path, *flags: str, environment: Mapping[str, str] | None = None, port: int | None = None
    ) -> None:
        self.workspace = workspace
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}/mcp"
        super().__init__("serve", workspace, "--http", "--port", str(self.port), *flags, environment=environment)

    def is_ready(self) -> bool:
        """Whether it answers."""
        try:
            return _http().get(f"http://127.0.0.1:{self.port}/health").is_success
        except httpx.TransportError:
            return False


@cache
def _http() -> httpx.Client:
    """A client for this process: making one takes longer than a hundred looks for a server that is starting."""
    return httpx.Client(trust_env=False)


class WorkerProcess(CommandProcess):
    """`classwright worker`."""

    def __init__(self, workspace: Path, *flags: str) -> None:
        super().__init__("worker", workspace, *flags)

    def is_ready(self) -> bool:
        """Whether it takes jobs."""
        return "works for the servers" in self.log()


def on_store(index_url: str | None) -> tuple[str, ...]:
    """The flags of a server or a worker whose index and jobs are at `index_url`."""
    return ("--index-url", index_url) if index_url else ()


def compute_processes(of: int, lane: str = "") -> list[int]:
    """The ids of the compute processes, for jobs of a lane or of any, that the process `of` started and that live.

    Those that servers in this process share and that are not at work do not count.
    """
    idle = {one.pid for one in shared_processes()._idle}
    started = [child for child in psutil.Process(of).children() if f"jobs.child {lane}" in _command(child)]
    forked = [
        child for server in fork_servers(of) for child in _children(server) if _name(child).startswith(f"cw-{lane}")
    ]
    return [child.pid for child in started + forked if is_alive(child.pid) and child.pid not in idle]


def fork_servers(of: int) -> list[psutil.Process]:
    """The fork servers of the process `of`."""
    return [child for child in psutil.Process(of).children() if "jobs.fork_server" in _command(child)]


def asks(pid: int, port: int) -> bool:
    """Whether a process is connected with what listens on a port; one that ended meanwhile is not."""
    try:
        return any(one.raddr and one.raddr.port == port for one in psutil.Process(pid).net_connections("tcp"))
    except psutil.NoSuchProcess:
        return False


def _children(process: psutil.Process) -> list[psutil.Process]:
    """What a process started; nothing for one that ended meanwhile."""
    try:
        return process.children()
    except psutil.Error:
        return []


def _name(process: psutil.Process) -> str:
    """How a process is named; nothing for one that ended meanwhile."""
    try:
        return process.name()
    except psutil.Error:
        return ""


def _command(process: psutil.Process) -> str:
    """How a process was started; nothing for one that ended meanwhile."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def is_alive(pid: int) -> bool:
    """Whether a process exists and has not ended."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


async def until(holds: Callable[[], bool]) -> None:
    """Return as soon as `holds` is true. What is waited for needs the processor more than a look that takes long."""
    import anyio

    with anyio.fail_after(PATIENCE_SECONDS):
        began = time.perf_counter()
        while not holds():
            await anyio.sleep(max(0.02, 9 * (time.perf_counter() - began)))
            began = time.perf_counter()
