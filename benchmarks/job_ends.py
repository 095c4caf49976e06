"""The ends of jobs: how long a cancelled one holds its process, and how long a killed process holds up its job.

On SQLite and on PostgreSQL, with real servers and workers on loopback: seconds from the call of `cancel_job` until the
job's process, with its memory, is gone, where the job runs in the server that is asked and where it runs in a worker;
and seconds from the SIGKILL of a worker until another has begun its job anew. `writing` waits for a language model that
does not answer, `training` has loaded torch.

    python benchmarks/job_ends.py [--quick]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the scripted endpoint and PostgreSQL are the tests' own

import anyio
import psutil
from mcp import Client

from support.postgres import PostgresServer, postgres_programs
from support.server import (
    TASK,
    CommandProcess,
    ServerProcess,
    WorkerProcess,
    asks,
    call,
    compute_processes,
    on_store,
    rows,
    topics,
    until,
)
from support.writing import HANG, ScriptedEndpoint

RESULTS = Path(__file__).parent / "results" / "job_ends.json"
RUNS = 10
TRAINING = {"task": "support", "method": "contrastive", "wait_seconds": 0}


class House:
    """A server, workers if there are any, and a model that never answers."""

    def __init__(self, stack: ExitStack, index_url: str | None, workers: int) -> None:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        self.endpoint = stack.enter_context(ScriptedEndpoint(lambda _: HANG))
        self._flags = ("--writer-url", self.endpoint.url, "--writer-model", "none", *on_store(index_url))
        self._folder, self._stack = folder, stack
        self.server = stack.enter_context(ServerProcess(folder, *self._flags, *(("--jobs", "none") if workers else ())))
        self.workers = [self.new_worker() for _ in range(workers)]

    def new_worker(self) -> WorkerProcess:
        """Start a worker."""
        return self._stack.enter_context(WorkerProcess(self._folder, *self._flags))

    @property
    def runners(self) -> list[CommandProcess]:
        """Who runs jobs."""
        return list(self.workers) or [self.server]

    def working(self, kind: str) -> list[tuple[CommandProcess, int]]:
        """The compute processes that are in the middle of a job of `kind`, and who started them."""
        found = [(runner, pid) for runner in self.runners for pid in compute_processes(runner.process.pid)]
        return [(runner, pid) for runner, pid in found if self._is_at_work(kind, pid)]

    def _is_at_work(self, kind: str, pid: int) -> bool:
        try:
            if kind == "writing":
                return asks(pid, self.endpoint.port)
            return any("libtorch" in one.path for one in psutil.Process(pid).memory_maps())
        except psutil.Error:
            return False


async def begun(house: House, client: Client, kind: str) -> tuple[str, CommandProcess, int]:
    """Start a job; return its id, who runs it, and its process, as soon as that is at work."""
    if kind == "writing":
        job = await call(client, "synthesize_examples", task="support", rows=4, wait_seconds=0)
    else:
        job = await call(client, "train_classifier", TRAINING)
    await until(lambda: bool(house.working(kind)), 120)
    [(runner, pid)] = house.working(kind)
    return job["job_id"], runner, pid


async def prepared(client: Client) -> None:
    """Make a task with topics and rows."""
    await call(client, "propose_topics", {**TASK, **topics(1)}, wait_seconds=50)
    await call(client, "import_examples", task="support", split="train", rows=rows(400), wait_seconds=50)


async def seconds_to_cancel(house: House, kind: str, runs: int) -> tuple[list[float], list[float]]:
    """Return the seconds from each call to its answer, and to the end of the job's process."""
    answered, gone = [], []
    async with Client(house.server.url) as client:
        await prepared(client)
        for _ in range(runs):
            job_id, _, pid = await begun(house, client, kind)
            started = time.monotonic()
            await call(client, "cancel_job", job_id=job_id)
            answered.append(time.monotonic() - started)
            await until(lambda pid=pid: not psutil.pid_exists(pid), 30)
            gone.append(time.monotonic() - started)
    return answered, gone


async def seconds_to_take_over(house: House, runs: int) -> list[float]:
    """Return the seconds from the kill of a job's worker to the first request of the next one."""
    seconds = []
    async with Client(house.server.url) as client:
        await prepared(client)
        for _ in range(runs):
            job_id, runner, _ = await begun(house, client, "writing")
            asked = len(house.endpoint.chats)
            started = time.monotonic()
            runner.kill()
            house.workers.remove(runner)  # type: ignore[arg-type]  # it is a worker
            await until(lambda asked=asked: len(house.endpoint.chats) > asked, 120)
            seconds.append(time.monotonic() - started)
            await call(client, "cancel_job", job_id=job_id)
            await until(lambda: not house.working("writing"), 30)
            house.workers.append(house.new_worker())
    return seconds


def line(what: str, store: str, seconds: list[float]) -> dict[str, Any]:
    """Return and print one line of the table."""
    ordered = sorted(seconds)
    figures = {"median": round(statistics.median(ordered), 2), "most": round(ordered[-1], 2), "runs": len(ordered)}
    print(f"| {what} | {store} | {figures['median']:.2f} | {figures['most']:.2f} | {figures['runs']} |", flush=True)
    return {"what": what, "store": store, **figures}


async def measure(database: PostgresServer, runs: int) -> list[dict[str, Any]]:
    found = []
    print("| seconds until | store | median | most | runs |\n|---|---|---|---|---|")
    for store in ("SQLite", "PostgreSQL"):
        for where, workers in (("in the server", 0), ("in a worker", 2)):
            with ExitStack() as stack:
                house = House(stack, database.new_database() if store == "PostgreSQL" else None, workers)
                for kind in ("writing", "training"):
                    answered, gone = await seconds_to_cancel(house, kind, runs)
                    found.append(line(f"cancel_job is answered, {kind} {where}", store, answered))
                    found.append(line(f"its process is gone, {kind} {where}", store, gone))
                if workers:
                    found.append(
                        line("a killed worker's job is begun anew", store, await seconds_to_take_over(house, runs))
                    )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two runs of each")
    runs = 2 if parser.parse_args().quick else RUNS
    programs = postgres_programs()
    if programs is None:
        sys.exit("PostgreSQL is not installed; on Debian: apt-get install postgresql")
    with PostgresServer(programs) as database:
        found = anyio.run(measure, database, runs)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
