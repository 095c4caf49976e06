"""The fault run: servers and compute processes are killed, the endpoint fails, the disk is full, PostgreSQL restarts.

Every job has to be finished or to have failed with its reason; no accepted row may be lost or be there twice, no
completion be paid twice beyond those in flight at a kill, no artifact be half written. Exit code 1 if any is not so.

    python benchmarks/faults.py            # about 15 minutes
    python benchmarks/faults.py --quick    # about 3

Two servers and a worker share a workspace, and clients follow the jobs of every kind from one server to the other. One
kill in two hits one of the three, the others a compute process. One call of the endpoint in five goes wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the scripted endpoint and PostgreSQL are the tests' own

import anyio
import anyio.to_thread

from classwright_tools.workspace.workspace import Workspace
from faulting.accounts import artifact_account, completion_account, job_account, row_account
from faulting.endpoint import PaidEndpoint
from faulting.replicas import Kill, Replicas, kill_one
from faulting.work import COMPUTING_KINDS, WRITING_KINDS, Work
from support.disk import small_disk
from support.postgres import PostgresServer, postgres_programs
from support.writing import ScriptedEndpoint

RESULTS = Path(__file__).parent / "results" / "faults.json"
SERVERS = 2
ENDPOINT_FAULTS = 0.2
WRITING_LANES = 2
HAS_TO_BE_ZERO = (
    ("jobs", "lost"),
    ("jobs", "defects"),
    ("rows", "lost"),
    ("rows", "duplicate"),
    ("completions", "paid_twice_beyond"),
    ("artifacts", "half_written"),
)


@dataclass(frozen=True)
class Measure:
    """How long a run is."""

    kills: int
    pause: tuple[float, float]
    full_seconds: float
    restarts: int
    drain_seconds: float


PAUSE = (0.5, 5.0)
FULL = Measure(kills=200, pause=PAUSE, full_seconds=45, restarts=5, drain_seconds=900)
QUICK = Measure(kills=10, pause=PAUSE, full_seconds=15, restarts=1, drain_seconds=300)


async def under_kills(work: Work, replicas: Replicas, measure: Measure, seed: int) -> tuple[list[Kill], dict[str, int]]:
    """Kill at random moments; return the kills, and how many of them met each kind of job at work."""
    moments = random.Random(seed)
    kills = []
    met: Counter[str] = Counter()
    for _ in range(measure.kills):
        await anyio.to_thread.run_sync(replicas.await_answer)
        await anyio.sleep(moments.uniform(*measure.pause) * work.slowness)
        met.update(work.running())
        kills.append(await anyio.to_thread.run_sync(kill_one, replicas, moments))
    return kills, dict(sorted(met.items()))


async def drained(work: Work, measure: Measure) -> None:
    """Let the jobs that are open come to their end, as long as that may take."""
    work.stop()
    deadline = time.monotonic() + measure.drain_seconds * work.slowness
    while time.monotonic() < deadline and not all(job.is_over for job in work.jobs):
        await anyio.sleep(1)


async def account_of(work: Work, root: Path, index_url: str | None, endpoint: PaidEndpoint, kills: list[Kill]) -> Any:
    """Return all accounts of one phase."""
    jobs, views = await job_account(work)
    workspace = Workspace(root, index_url)
    try:
        return {
            "jobs": jobs,
            "rows": row_account(workspace, views),
            "completions": completion_account(workspace, endpoint, kills),
            "artifacts": artifact_account(workspace),
            "calls_broken": work.broken_calls,
        }
    finally:
        workspace.engine.dispose()


async def phase(root: Path, index_url: str | None, measure: Measure, seed: int, trouble: Any) -> dict[str, Any]:
    """Keep servers and a worker on `root` at work, make `trouble`, and return the accounts."""
    script = PaidEndpoint(seed, ENDPOINT_FAULTS)
    started = time.monotonic()
    with ScriptedEndpoint(script) as endpoint:
        flags = ["--workspace", str(root), "--writer-url", endpoint.url, "--writer-model", "scripted"]
        flags += ["--index-url", index_url] if index_url else []
        with Replicas(SERVERS, Path(f"{root}.log"), *flags) as replicas:
            work = Work(replicas, seed)
            await work.prepare()
            async with anyio.create_task_group() as lanes:
                for _ in range(WRITING_LANES):
                    lanes.start_soon(work.lane, WRITING_KINDS)
                for _ in range(2):  # one computes, one waits for its turn
                    lanes.start_soon(work.lane, COMPUTING_KINDS)
                kills, more = await trouble(work, replicas)
                await drained(work, measure)
                lanes.cancel_scope.cancel()
            account = await account_of(work, root, index_url, script, kills)
    return {**more, **account, "seconds": round(time.monotonic() - started)}


async def kill_phase(folder: Path, measure: Measure, seed: int) -> dict[str, Any]:
    """Kill servers and compute processes on SQLite."""

    async def trouble(work: Work, replicas: Replicas) -> tuple[list[Kill], dict[str, Any]]:
        kills, met = await under_kills(work, replicas, measure, seed)
        return kills, {"kills": dict(Counter(kill.target for kill in kills)), "at_work_when_killed": met}

    return await phase(folder / "killed", None, measure, seed, trouble)


async def disk_phase(folder: Path, measure: Measure, seed: int) -> dict[str, Any]:
    """Fill the disk under work, and make room again."""

    async def trouble(_work: Work, _replicas: Replicas) -> tuple[list[Kill], dict[str, Any]]:
        disk.fill()
        await anyio.sleep(measure.full_seconds)
        disk.make_room()
        await anyio.sleep(measure.full_seconds)
        return [], {"full_seconds": measure.full_seconds}

    with small_disk(folder / "disk") as disk:
        if disk is None:
            return {"skipped": "a small disk cannot be mounted here; root can"}
        root = folder / "disk" / "workspace"
        root.mkdir()
        return await phase(root, None, measure, seed + 1, trouble)


async def postgres_phase(folder: Path, measure: Measure, seed: int) -> dict[str, Any]:
    """Restart PostgreSQL under work, in turn as an operator does and as a crash does."""
    programs = postgres_programs()
    if programs is None:
        return {"skipped": "PostgreSQL is not installed; on Debian: apt-get install postgresql"}
    with PostgresServer(programs) as server:

        async def trouble(_work: Work, _replicas: Replicas) -> tuple[list[Kill], dict[str, Any]]:
            restarts = []
            for number in range(measure.restarts):
                await anyio.sleep(random.Random(seed + number).uniform(8, 16))
                begin = time.time()
                await anyio.to_thread.run_sync(restart, server, number)
                restarts.append(Kill("PostgreSQL", begin, time.time()))
            return restarts, {"restarts": measure.restarts}

        return await phase(folder / "postgres", server.new_database(), measure, seed + 2, trouble)


PHASES = {"kills": kill_phase, "disk_full": disk_phase, "postgres": postgres_phase}


def restart(server: PostgresServer, number: int) -> None:
    """End PostgreSQL and start it again; every second time it crashes."""
    server.stop(signal.SIGQUIT if number % 2 else signal.SIGINT)
    server.start()


def faults_of(results: dict[str, Any]) -> list[str]:
    """Return what should be zero and is not."""
    found = []
    for name, accounts in results.items():
        for group, figure in HAS_TO_BE_ZERO if "skipped" not in accounts else ():
            if accounts[group][figure]:
                found.append(f"{name}: {accounts[group][figure]} {group} {figure}")
    return found


async def run(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    measure = QUICK if arguments.quick else FULL
    if arguments.kills:
        measure = replace(measure, kills=arguments.kills)
    results = {}
    for name in arguments.phases:
        print(f"{name} ...", flush=True)
        results[name] = await PHASES[name](folder, measure, arguments.seed)
        print(json.dumps(results[name], indent=1), flush=True)
    return results


def kept_phases() -> dict[str, Any]:
    """Return the figures of the last run's phases."""
    last = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    return {name: last[name] for name in PHASES if name in last}


def main() -> None:
    parser = argparse.ArgumentParser(description="Break everything at random and count what is lost.")
    parser.add_argument("--quick", action="store_true", help="a few kills, for a try")
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--kills", type=int, help="how many, instead of 200: about three seconds each")
    parser.add_argument(
        "--phases", nargs="+", default=list(PHASES), choices=list(PHASES), help="the figures of the others stay"
    )
    parser.add_argument("--keep", type=Path, help="keep the workspaces and logs in this folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = arguments.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        results = anyio.run(run, arguments, folder)
    found = faults_of(results)
    if not arguments.quick:
        results = {**kept_phases(), **results}
        found = faults_of(results)
        RESULTS.write_text(
            json.dumps({"cores": os.cpu_count(), "seed": arguments.seed, "faults": found, **results}, indent=1) + "\n"
        )
    print("\n".join(found) if found else "Nothing was lost, doubled, paid twice or half written.")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
