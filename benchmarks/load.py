"""The cost of a call over a bare `MCPServer` with one empty tool, under 200 clients, and with 1,000 jobs in the queue.

    python benchmarks/load.py
    python benchmarks/load.py --quick    # a try, in a minute

Both servers run in processes of their own, served by streamable HTTP with the same settings of uvicorn. The calls go to
them in turn, in rounds of a few seconds, so that whatever else the machine does meets both. Every client calls at
times fixed beforehand; a latency counts from that time, so a server that stalls pays for all that waited.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the server process and the endpoint are the tests' own

import anyio
import psutil
from mcp import Client
from mcp_types import CallToolResult

from classwright_server.vllm import free_port
from support.server import TASK, ServerProcess, call, finished, rows, topics
from support.writing import HANG, ScriptedEndpoint

RESULTS = Path(__file__).parent / "results" / "load.json"
CLIENTS = 200
RATE = 40.0
"""Calls a second of all clients together; the bare server stands several times as many on two cores."""
QUEUED = 1000
START_SECONDS = 60.0


@dataclass(frozen=True)
class Measure:
    """How long a run is."""

    rounds: int
    round_seconds: float
    queued: int
    samples: int


FULL = Measure(rounds=6, round_seconds=10, queued=QUEUED, samples=300)
QUICK = Measure(rounds=2, round_seconds=4, queued=100, samples=50)


@dataclass
class Latencies:
    """Seconds that calls took, by round, how many failed, and the processor time that the server used for them."""

    rounds: list[list[float]] = field(default_factory=list)
    errors: int = 0
    cpu_seconds: float = 0.0

    def figures(self) -> dict[str, float]:
        """Return milliseconds: the median and the 99th percentile of all calls, and the spread of the rounds' own."""
        everything = [seconds for one in self.rounds for seconds in one]
        medians = [1000 * statistics.median(one) for one in self.rounds]
        return {
            "calls": len(everything),
            "errors": self.errors,
            "p50_ms": round(1000 * percentile(everything, 50), 2),
            "p50_ms_lowest_round": round(min(medians), 2),
            "p50_ms_highest_round": round(max(medians), 2),
            "p99_ms": round(1000 * percentile(everything, 99), 2),
            "cpu_ms_a_call": round(1000 * self.cpu_seconds / len(everything), 2),
        }


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` percent of `values` do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share / 100))]


class BareServer:
    """The bare server in a process of its own."""

    def __enter__(self) -> BareServer:
        """Start it."""
        port = free_port()
        self.url = f"http://127.0.0.1:{port}/mcp"
        self.process = subprocess.Popen([sys.executable, __file__, "--bare", str(port)])
        deadline = time.monotonic() + START_SECONDS
        while not any(one.laddr.port == port for one in psutil.Process(self.process.pid).net_connections()):
            if time.monotonic() > deadline:
                raise TimeoutError("the bare server did not start")
            time.sleep(0.1)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()


Server = BareServer | ServerProcess


def serve_bare(port: int) -> None:
    """Serve one tool that does nothing, as `serve_http` serves ours."""
    import uvicorn
    from mcp.server.mcpserver import MCPServer

    from classwright_server.http.connections import WAIT_SECONDS
    from classwright_server.http.serving import GRACE_SECONDS

    server: MCPServer[None] = MCPServer("bare", version="1", log_level="WARNING")

    @server.tool()
    async def nothing() -> None:
        """Do nothing."""

    app = server.streamable_http_app(host="127.0.0.1")
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        log_level="warning",
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=WAIT_SECONDS,
    )


Call = Callable[[Client, int], Awaitable[Any]]


async def call_nothing(client: Client, _number: int) -> None:
    result = await client.call_tool("nothing", {})
    assert isinstance(result, CallToolResult)
    assert not result.is_error


async def rush(server: Server, clients: Sequence[Client], seconds: float, one: Call, into: Latencies) -> None:
    """Let all clients of `server` call at their times for `seconds`; note how long each took from its time on."""
    taken: list[float] = []
    process = psutil.Process(server.process.pid)
    used = sum(process.cpu_times()[:2])
    begin = time.monotonic() + 0.5
    interval = len(clients) / RATE

    async def calls(client: Client, number: int) -> None:
        due = begin + number / RATE
        while due < begin + seconds:
            await anyio.sleep(max(0.0, due - time.monotonic()))
            try:
                await one(client, number)
            except Exception:  # noqa: BLE001  # whatever failed is an error of this run
                into.errors += 1
            taken.append(time.monotonic() - due)
            due += interval

    async with anyio.create_task_group() as group:
        for number, client in enumerate(clients):
            group.start_soon(calls, client, number)
    into.rounds.append(taken)
    into.cpu_seconds += sum(process.cpu_times()[:2]) - used


async def under_clients(measure: Measure, bare_server: Server, own_server: Server, job_id: str) -> dict[str, Any]:
    """Return the figures of both servers under the same calls of `CLIENTS` clients each."""

    async def quick_tools(client: Client, number: int) -> None:
        if number % 2:
            await call(client, "list_jobs")
        else:
            await call(client, "get_job", job_id=job_id)

    bare, own = Latencies(), Latencies()
    async with AsyncExitStack() as stack:
        bare_clients = [await stack.enter_async_context(Client(bare_server.url)) for _ in range(CLIENTS)]
        own_clients = [await stack.enter_async_context(Client(own_server.url)) for _ in range(CLIENTS)]
        warm_up = (2.0, Latencies(), Latencies())
        for seconds, of_bare, of_own in (warm_up, *[(measure.round_seconds, bare, own)] * measure.rounds):
            await rush(bare_server, bare_clients, seconds, call_nothing, of_bare)
            await rush(own_server, own_clients, seconds, quick_tools, of_own)
    figures = {"bare": bare.figures(), "classwright": own.figures()}
    added = {
        f"added_{name}": round(figures["classwright"][name] - figures["bare"][name], 2) for name in ("p50_ms", "p99_ms")
    }
    return {"clients": CLIENTS, "calls_a_second": RATE, **figures, **added}


async def timed(measure: Measure, calls: Callable[[int], Awaitable[Any]]) -> list[float]:
    """Return the seconds of so many calls, one after the other."""
    taken = []
    for number in range(measure.samples):
        started = time.monotonic()
        await calls(number)
        taken.append(time.monotonic() - started)
    return taken


async def with_a_queue(measure: Measure, bare_server: Server, server: Server) -> dict[str, Any]:
    """Return the figures of listing, polling and cancelling while the queue is long; the endpoint never answers."""
    process = psutil.Process(server.process.pid)
    async with Client(server.url) as client, Client(bare_server.url) as bare:
        before = process.memory_info().rss
        submitted = []
        ids = []
        for number in range(measure.queued):
            started = time.monotonic()
            job = await call(client, "synthesize_examples", task="support", rows=4 + number % 5, wait_seconds=0)
            submitted.append(time.monotonic() - started)
            ids.append(job["job_id"])
        latencies = {
            "bare": await timed(measure, lambda number: call_nothing(bare, number)),
            "submit": submitted,
            "list": await timed(measure, lambda _: call(client, "list_jobs", limit=50)),
            "poll": await timed(measure, lambda n: call(client, "get_job", job_id=ids[-1 - n], wait_seconds=0)),
            "cancel": await timed(measure, lambda n: call(client, "cancel_job", job_id=ids[-1 - n])),
        }
        grown = process.memory_info().rss - before
    figures = {
        name: {"p50_ms": round(1000 * percentile(taken, 50), 2), "p99_ms": round(1000 * percentile(taken, 99), 2)}
        for name, taken in latencies.items()
    }
    return {"queued": measure.queued, **figures, "memory_grown_mb": round(grown / 2**20, 1)}


async def prepared(server: ServerProcess) -> str:
    """Make a task with a tree, and return a finished job."""
    async with Client(server.url) as client:
        await call(client, "propose_topics", {**TASK, **topics(1)}, wait_seconds=50)
        job = await call(client, "import_examples", task="support", split="train", rows=rows(8), wait_seconds=0)
        return str((await finished(client, job["job_id"]))["job_id"])


async def run(measure: Measure, folder: Path) -> dict[str, Any]:
    load_before = os.getloadavg()[0]
    with ScriptedEndpoint(lambda _: HANG) as endpoint, BareServer() as bare:
        flags = ("--writer-url", endpoint.url, "--writer-model", "scripted")
        with ServerProcess(folder, *flags) as server:
            job_id = await prepared(server)
            under = await under_clients(measure, bare, server, job_id)
            print(json.dumps(under, indent=1), flush=True)
            queue = await with_a_queue(measure, bare, server)
            print(json.dumps(queue, indent=1), flush=True)
    return {
        "cores": os.cpu_count(),
        "load_average_before": round(load_before, 1),
        "load_average_after": round(os.getloadavg()[0], 1),
        "under_clients": under,
        "with_a_queue": queue,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the server beside a bare one.")
    parser.add_argument("--quick", action="store_true", help="a few calls, for a try")
    parser.add_argument("--bare", type=int, metavar="PORT", help="be the bare server")
    arguments = parser.parse_args()
    if arguments.bare:
        serve_bare(arguments.bare)
        return
    with tempfile.TemporaryDirectory() as name:
        figures = anyio.run(run, QUICK if arguments.quick else FULL, Path(name))
    if not arguments.quick:
        RESULTS.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
