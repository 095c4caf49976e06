"""Two HTTP replicas behind a round-robin and two workers on a PostgreSQL: jobs are taken, seen and ended anywhere."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest
from mcp import Client
from sqlalchemy import select
from sqlalchemy.orm import Session

from classwright_server.cli import main
from classwright_server.jobs.view import FINISHED
from classwright_tools.context import DEFAULT_ENCODER
from classwright_tools.workspace.datasets import read_rows
from classwright_tools.workspace.index import CompletionRow
from classwright_tools.workspace.workspace import Workspace
from support.learning import shallow_encoder
from support.postgres import PostgresServer
from support.round_robin import round_robin
from support.server import (
    TASK,
    ServerProcess,
    WorkerProcess,
    asks,
    call,
    compute_processes,
    connected,
    finished,
    make_settings,
    on_store,
    rows,
    topics,
    until,
    writes_sentences,
)
from support.writing import HANG, Said, ScriptedEndpoint, Seen

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]
ROWS = 40


class Model:
    """Answers like a small model, as often as it may; then it holds the requests."""

    def __init__(self) -> None:
        self.may_answer = 10_000
        self.asked: list[str] = []
        self.answered: set[str] = set()
        self._lock = threading.Lock()

    def __call__(self, seen: Seen) -> Said:
        """Answer a request, or hold it."""
        with self._lock:
            self.asked.append(seen.situation)
            if len(self.answered) >= self.may_answer:
                return HANG
            self.answered.add(seen.situation)
            return writes_sentences(seen)


@dataclass
class Cluster:
    """What runs, as on hosts that share a folder and a database."""

    model: Model
    endpoint: ScriptedEndpoint
    servers: list[ServerProcess]
    workers: list[WorkerProcess]
    workspace: Workspace

    def writing_worker(self) -> WorkerProcess:
        """The worker whose compute process is connected with the model."""
        return next(
            worker
            for worker in self.workers
            if any(asks(pid, self.endpoint.port) for pid in compute_processes(worker.process.pid))
        )


@pytest.fixture
def cluster(tmp_path: Path, postgres: PostgresServer) -> Iterator[Cluster]:
    """Two replicas that run no jobs, and two workers that run all of them."""
    model, url = Model(), postgres.new_database()
    with ExitStack() as stack:
        endpoint = stack.enter_context(ScriptedEndpoint(model))
        flags = ("--writer-url", endpoint.url, "--writer-model", "scripted", *on_store(url))
        flags += ("--encoder", str(shallow_encoder(tmp_path / "shallow")))
        servers = [ServerProcess(tmp_path, *flags, "--jobs", "none") for _ in range(2)]
        workers = [WorkerProcess(tmp_path, *flags) for _ in range(2)]
        for process in (*servers, *workers):
            stack.enter_context(process)
        workspace = Workspace(tmp_path, url)
        stack.callback(workspace.engine.dispose)
        yield Cluster(model, endpoint, servers, workers, workspace)


async def test_jobs_go_through_any_replica_and_survive_the_worker_that_ran_them(cluster: Cluster) -> None:
    async with round_robin([server.port for server in cluster.servers]) as balancer, Client(balancer.url) as client:
        await call(client, "propose_topics", {**TASK, **topics(10)}, wait_seconds=50)
        await call(client, "import_examples", task="support", split="train", rows=rows(24), wait_seconds=50)

        # Long jobs, as are those with an encoder that may have to be fetched, run one at a time on each worker, and on
        # both at once.
        long = {"task": "support", "method": "probe", "encoder": DEFAULT_ENCODER, "wait_seconds": 0}
        jobs = [await call(client, "train_classifier", long) for _ in range(3)]
        most = 0
        waiting = {job["job_id"] for job in jobs}
        while waiting:
            states = {job["job_id"]: job["status"] for job in (await call(client, "list_jobs"))["jobs"]}
            most = max(most, sum(status == "running" for status in states.values()))
            waiting -= {job_id for job_id, status in states.items() if status in FINISHED}
            await anyio.sleep(0.2)  # asked without a pause, two replicas take the processors from the workers
        assert set(states.values()) == {"completed"}
        assert most == 2

        # A client leaves while its call waits: the job goes on.
        cluster.model.may_answer = 0
        async with Client(balancer.url) as leaving:
            with anyio.move_on_after(1):
                await leaving.call_tool("synthesize_examples", {"task": "support", "rows": 4, "wait_seconds": 50})
        await until(lambda: bool(cluster.model.asked))
        [held] = [job for job in (await call(client, "list_jobs"))["jobs"] if job["status"] == "running"]

        # It is cancelled through one replica, whichever worker runs it: the model is asked no more.
        cancelled = await call(client, "cancel_job", job_id=held["job_id"])
        assert cancelled["status"] == "cancelled"
        await until(lambda: not cluster.endpoint.connections)

        # A worker is killed in the middle of a job, and the other one finishes it.
        cluster.model.may_answer = 5
        started = await call(client, "synthesize_examples", task="support", rows=ROWS, wait_seconds=0)
        await until(lambda: len(cluster.model.answered) == 5)
        paid, asked = stored_situations(cluster.workspace), len(cluster.model.asked)
        cluster.writing_worker().kill()
        cluster.model.may_answer = 10_000
        view = await finished(client, started["job_id"])

        assert view["result"]["accepted"] == ROWS
        assert not paid & set(cluster.model.asked[asked:])
        assert set(balancer.requests) == {server.port for server in cluster.servers}
        assert min(balancer.requests.values()) > 3

    texts = Counter(row.text for row in read_rows(cluster.workspace, view["result"]["dataset"], "train"))
    assert max(texts.values()) == 1
    assert len(texts) == ROWS + 24
    assert len(cluster.workspace.artifacts("support", "dataset")) == 2
    assert len(cluster.workspace.artifacts("support", "model")) == 3
    assert not any(compute_processes(server.process.pid) for server in cluster.servers)


def stored_situations(workspace: Workspace) -> set[str]:
    """The situations whose completions are in the store."""
    with Session(workspace.engine) as session:
        return {request["cell"]["subtopic"] for request in session.scalars(select(CompletionRow.request))}


async def test_a_worker_takes_only_the_jobs_that_it_is_told_to(tmp_path: Path) -> None:
    with WorkerProcess(tmp_path, "--jobs", "short") as worker:
        async with connected(make_settings(tmp_path, jobs=())) as client:
            await call(client, "propose_topics", TASK)
            training = await call(client, "train_classifier", task="support", wait_seconds=0)
            done = await call(client, "import_examples", task="support", split="train", rows=rows(4), wait_seconds=50)
            waiting = await call(client, "get_job", job_id=training["job_id"], wait_seconds=0)
        assert len(compute_processes(worker.process.pid)) == 1

    assert done["status"] == "completed"
    assert waiting["status"] == "queued"
    assert "place 1 in the long lane. It begins at once if a worker takes long jobs, which this" in waiting["summary"]


@pytest.mark.parametrize("kinds", [["training"], ["none", "compute"]])
def test_kinds_of_jobs_that_do_not_exist_are_told(
    kinds: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["worker", "--workspace", str(tmp_path), "--jobs", *kinds]) == 2
    assert '"short", "long", "compute" (both of these) and "writing", or "none"' in capsys.readouterr().err


def test_a_worker_without_any_kind_of_job_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["worker", "--workspace", str(tmp_path), "--jobs", "none"]) == 2
    assert "leaves a worker nothing to do" in capsys.readouterr().err
