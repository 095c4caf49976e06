"""The worth of further workers: 1, 2 and 4 of them over PostgreSQL, on jobs that sleep.

    python benchmarks/workers.py

A server that runs no jobs queues them, and each worker runs two at once. A run lasts from the beginning of the first
job to the end of the last, by the jobs' own clocks. The ideal is jobs * seconds / (2 * workers): what is lost to it is
the time between two jobs of a place. Jobs that sleep need no processor, so one machine stands for several. Debian's
PostgreSQL must be installed.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the processes and PostgreSQL are the tests' own

import anyio
from mcp import Client

from support.postgres import PostgresServer, postgres_programs
from support.server import ServerProcess, WorkerProcess, call, finished, on_store

RESULTS = Path(__file__).parent / "results" / "workers.json"
WORKERS, ROUNDS = (1, 2, 4), 3
A_PLACE, AT_ONCE, SECONDS = 8, 2, 2.0
"""Jobs for each of the places of a worker, those places, and the seconds of a job."""
TOOL = "sleep_a_while"
TARGET = 0.9


async def slept(client: Client, jobs: int) -> list[dict[str, Any]]:
    """Queue so many jobs, and return their results when all are over."""
    queued = [await call(client, TOOL, seconds=SECONDS, wait_seconds=0) for _ in range(jobs)]
    return [(await finished(client, job["job_id"]))["result"] for job in queued]


async def rounds(port_url: str, workers: int) -> list[float]:
    """Return the seconds that the jobs took in each round, after one that starts the processes of all places."""
    taken = []
    async with Client(port_url) as client:
        await slept(client, 2 * AT_ONCE * workers)
        for _ in range(ROUNDS):
            jobs = await slept(client, A_PLACE * AT_ONCE * workers)
            taken.append(max(job["ended"] for job in jobs) - min(job["began"] for job in jobs))
    return taken


def main() -> None:
    programs = postgres_programs()
    if programs is None:
        sys.exit("PostgreSQL is not installed; on Debian: apt-get install postgresql")
    os.environ["PYTHONPATH"] = str(Path(__file__).parent / "working")  # for servers, workers and compute processes
    lines, load = [], os.getloadavg()[0]
    print("| workers | seconds | times one worker's rate | of the ideal |\n| --- | --- | --- | --- |")
    with PostgresServer(programs) as postgres:
        for workers in WORKERS:
            with ExitStack() as stack:
                workspace = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                flags = (*on_store(postgres.new_database()), "--tool", TOOL)
                server = stack.enter_context(ServerProcess(workspace, *flags, "--jobs", "none"))
                for _ in range(workers):
                    stack.enter_context(WorkerProcess(workspace, *flags, "--jobs", "short"))
                taken = anyio.run(rounds, server.url, workers)
            seconds = statistics.median(taken)  # of as many jobs a worker, so one worker's time is that of them all
            first = lines[0]["seconds"] if lines else seconds
            line = {
                "workers": workers,
                "seconds": round(seconds, 2),
                "lowest": round(min(taken), 2),
                "highest": round(max(taken), 2),
                "times_one": round(workers * first / seconds, 2),
                "of_the_ideal": round(A_PLACE * SECONDS / seconds, 3),
            }
            lines.append(line)
            print("| {workers} | {seconds} | {times_one} | {of_the_ideal} |".format(**line), flush=True)
    about = {"cores": os.cpu_count(), "load_average_before": round(load, 1), "job_seconds": SECONDS, "target": TARGET}
    RESULTS.write_text(json.dumps({**about, "lines": lines}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
