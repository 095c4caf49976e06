"""Waits of short jobs of six clients beside a training, over their waits without one.

    python benchmarks/lanes.py
    python benchmarks/lanes.py --quick    # a try, in a minute or two

One server over streamable HTTP; each client has a task and a model of its own, and calls `classify`, `evaluate` and a
training by `probe` in turn, at times fixed beforehand: a latency counts from that time. Rounds without and with a
training by `contrastive` take turns, so that whatever else the machine does meets both; the first pair warms up. The
training is of more rows than are done in a round, and is cancelled at its end.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the server process and the rows are the tests' own

import anyio
from mcp import Client

from load import percentile
from support.server import TASK, ServerProcess, call, finished, rows

RESULTS = Path(__file__).parent / "results" / "lanes.json"
CLIENTS = 6
EVERY_SECONDS = 6.0
"""Of a client; all together they call once a second, which two cores stand."""
TRAINED_ON = 2_000
TEXTS = ["I want my money back at once", "where is my parcel"] * 5


@dataclass(frozen=True)
class Measure:
    """How long a run is."""

    rounds: int
    round_seconds: float


FULL = Measure(rounds=4, round_seconds=36)
QUICK = Measure(rounds=1, round_seconds=12)


async def prepared(client: Client, task: str) -> None:
    """Make a task with rows and a model."""
    await call(client, "propose_topics", {**TASK, "task": task})
    for split, n, first in (("train", 48, 0), ("validation", 100, 100)):
        given = {"task": task, "split": split, "rows": rows(n, first), "wait_seconds": 50}
        await call(client, "import_examples", given)
    await done(client, "train_classifier", task=task, method="probe")


async def done(client: Client, tool: str, **arguments: Any) -> None:
    """Call a tool and wait until its job has completed, however long it takes."""
    view = await call(client, tool, arguments, wait_seconds=50)
    if view["status"] in ("queued", "running"):
        view = await finished(client, view["job_id"])
    assert view["status"] == "completed", view


async def short_job(client: Client, task: str, number: int) -> None:
    """Call one of the short tools, each in turn."""
    match number % 3:
        case 0:
            await done(client, "classify", model=f"{task}-m1", texts=TEXTS)
        case 1:
            await done(client, "evaluate", model=f"{task}-m1")
        case _:
            await done(client, "train_classifier", task=task, method="probe", seed=number)


async def rushed(clients: Sequence[Client], seconds: float) -> list[float]:
    """Let all clients call at their times for `seconds`; return how long each call took from its time on."""
    taken: list[float] = []
    begin = time.monotonic() + 0.5

    async def calls(client: Client, number: int) -> None:
        for count in range(int(seconds / EVERY_SECONDS)):
            due = begin + number * EVERY_SECONDS / CLIENTS + count * EVERY_SECONDS
            await anyio.sleep(max(0.0, due - time.monotonic()))
            await short_job(client, f"task{number}", number + count)
            taken.append(time.monotonic() - due)

    async with anyio.create_task_group() as group:
        for number, client in enumerate(clients):
            group.start_soon(calls, client, number)
    return taken


async def beside_training(clients: Sequence[Client], seconds: float) -> list[float]:
    """Do the same while a training is under way, and say so if it was not to the end."""
    owner = clients[0]
    job = await call(owner, "train_classifier", task="large", method="contrastive", wait_seconds=0)
    while (await call(owner, "get_job", job_id=job["job_id"], wait_seconds=1))["progress"] == 0:
        pass
    taken = await rushed(clients, seconds)
    view = await call(owner, "cancel_job", job_id=job["job_id"])
    assert view["status"] == "cancelled", f"the training was over before the round was: {view['summary']}"
    return taken


async def run(measure: Measure, folder: Path) -> dict[str, Any]:
    alone: list[list[float]] = []
    beside: list[list[float]] = []
    loads = [os.getloadavg()[0]]
    with ServerProcess(folder) as server:
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(Client(server.url)) for _ in range(CLIENTS)]
            for number, client in enumerate(clients):
                await prepared(client, f"task{number}")
            await call(clients[0], "propose_topics", {**TASK, "task": "large"})
            given = {"task": "large", "split": "train", "rows": rows(TRAINED_ON, 1_000), "wait_seconds": 50}
            await call(clients[0], "import_examples", given)
            await rushed(clients, EVERY_SECONDS)
            for _ in range(measure.rounds):
                alone.append(await rushed(clients, measure.round_seconds))
                beside.append(await beside_training(clients, measure.round_seconds))
                loads.append(os.getloadavg()[0])
                print(line("round", alone[-1], beside[-1]), flush=True)
    together = [[seconds for one in rounds for seconds in one] for rounds in (alone, beside)]
    print(line("all", *together), flush=True)
    ratios = {
        f"p{share}": [round(percentile(b, share) / percentile(a, share), 2) for a, b in zip(alone, beside, strict=True)]
        for share in (50, 99)
    }
    return {
        "cores": os.cpu_count(),
        "load_averages": [round(load, 1) for load in loads],
        "clients": CLIENTS,
        "calls": [len(one) for one in together],
        "alone": figures(together[0]),
        "beside_a_training": figures(together[1]),
        "ratio_of_all": {f"p{share}": round(percentile(together[1], share) / percentile(together[0], share), 2)
                         for share in (50, 99)},
        "ratio_by_round": ratios,
        "median_ratio_of_rounds": {name: statistics.median(values) for name, values in ratios.items()},
    }  # fmt: skip


def figures(taken: Sequence[float]) -> dict[str, float]:
    """Return seconds: the median and the 99th percentile."""
    return {"p50_s": round(percentile(taken, 50), 2), "p99_s": round(percentile(taken, 99), 2)}


def line(what: str, alone: Sequence[float], beside: Sequence[float]) -> str:
    """Return a line of the table."""
    cells = [f"{percentile(taken, share):.2f}" for taken in (alone, beside) for share in (50, 99)]
    ratio = percentile(beside, 99) / percentile(alone, 99)
    return f"| {what} | {' | '.join(cells)} | {ratio:.2f} | load {os.getloadavg()[0]:.1f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure short jobs beside a training.")
    parser.add_argument("--quick", action="store_true", help="one short round, for a try")
    arguments = parser.parse_args()
    print("| s | p50 alone | p99 alone | p50 beside a training | p99 | p99 ratio | |\n|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        found = anyio.run(run, QUICK if arguments.quick else FULL, Path(name))
    if not arguments.quick:
        RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
