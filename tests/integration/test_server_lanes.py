"""Short work runs beside long work, and within a lane principals and tasks take turns."""

from __future__ import annotations

import contextvars
import os
from pathlib import Path

import psutil
import pytest
from anyio import to_thread
from dbos import DBOS
from mcp import Client

from classwright_server.config.settings import ToolSettings
from classwright_server.jobs import durable
from classwright_server.jobs.job_queue import JobQueue
from classwright_server.jobs.messages import Order
from classwright_server.jobs.pool import ProcessPool
from classwright_server.jobs.process import JobCancelled
from classwright_server.jobs.turns import Turn
from classwright_server.jobs.warm import WarmProcesses
from classwright_tools import work
from classwright_tools.errors import StorageFailed
from classwright_tools.work import Lane
from support.postgres import ON_BOTH
from support.server import (
    LONG,
    TASK,
    call,
    compute_processes,
    connected,
    finished,
    make_settings,
    rows,
    shared_processes,
    signed_in,
    until,
)

pytestmark = pytest.mark.anyio
TRAINING = {"task": "support", "method": "contrastive", "wait_seconds": 0}


def turns(lane: str | None = None) -> list[Turn]:
    """The jobs that wait or run in the server of this process, those first that are taken first."""
    assert durable._current is not None
    return durable._current._table.turns(lane)


async def made(client: Client, task: str = "support") -> None:
    """Make a task."""
    await call(client, "propose_topics", {**TASK, "task": task})


async def imported(client: Client, split: str, n: int = 24, first: int = 0, task: str = "support") -> None:
    """Import rows of the task."""
    given = {"task": task, "split": split, "rows": rows(n, first)}
    assert (await call(client, "import_examples", given, wait_seconds=LONG))["status"] == "completed"


async def test_short_work_runs_beside_a_training_that_gives_way_to_it(tmp_path: Path) -> None:
    async with connected(make_settings(tmp_path)) as client:
        for task, n in (("support", 24), ("large", 400)):
            await made(client, task)
            await imported(client, "train", n, task=task)
        await imported(client, "validation", 12, 500)
        await call(client, "train_classifier", task="support", method="probe", wait_seconds=LONG)
        long = [await call(client, "train_classifier", {**TRAINING, "task": "large"}) for _ in range(2)]
        await until(
            lambda: any(psutil.Process(pid).nice() > os.nice(0) for pid in compute_processes(os.getpid(), "long"))
        )
        for tool, more in (("classify", {"texts": ["I want my money back"]}), ("evaluate", {})):
            done = await call(client, tool, {"model": "support-m1", **more}, wait_seconds=LONG)
            assert done["status"] == "completed"
        states = [await call(client, "get_job", job_id=job["job_id"], wait_seconds=0) for job in long]
        [niceness] = [psutil.Process(pid).nice() for pid in compute_processes(os.getpid(), "long")]
        others = [psutil.Process(one.pid).nice() for one in shared_processes()._idle if one.lane == "short"]
        for job in reversed(long):
            await call(client, "cancel_job", job_id=job["job_id"])

    assert [state["status"] for state in states] == ["running", "queued"]
    assert niceness > max(others)
    named = f"Running now: your train_classifier by contrastive for 'large' ({long[0]['job_id']}"
    assert states[1]["summary"].startswith(f"train_classifier waits for its turn: place 1 in the long lane. {named}")
    assert states[1]["message"].startswith("place 1 in the long lane; ")
    assert "wait_seconds=50" in states[1]["next_step"]


@ON_BOTH
async def test_one_who_queued_many_jobs_does_not_hold_up_the_one_of_another(
    tmp_path: Path, index_url: str | None
) -> None:
    """No process takes the jobs until all wait; then each fails at once, since there is nothing to train on."""
    async with connected(make_settings(tmp_path, index_url=index_url, jobs=())) as client:
        with signed_in("alice"):
            await made(client)
            await made(client, "other")
            many = [(await call(client, "train_classifier", TRAINING))["job_id"] for _ in range(5)]
            second = (await call(client, "train_classifier", {**TRAINING, "task": "other"}))["job_id"]
            [first_line] = [job for job in (await call(client, "list_jobs"))["jobs"] if job["job_id"] == many[-1]]
        with signed_in("bob"):
            await made(client)
            one = await call(client, "train_classifier", TRAINING)
        with signed_in("alice"):
            last = await call(client, "get_job", job_id=many[-1], wait_seconds=0)
        expected = [turn.job_id for turn in await to_thread.run_sync(turns, "long")]
    async with connected(make_settings(tmp_path, index_url=index_url, jobs=("long",))) as client:
        with signed_in("alice"):
            for job_id in many:
                await finished(client, job_id)
            await finished(client, second)
        with signed_in("bob"):
            await finished(client, one["job_id"])
        began = {job.workflow_id: job.dequeued_at or 0 for job in await to_thread.run_sync(DBOS.list_workflows)}

    # Bob's job is in the first round, before or after alice's, and the tasks of alice take turns.
    assert {*expected[:2]} == {many[0], one["job_id"]}
    assert expected[2:] == [second, *many[1:]]
    assert [began[job_id] for job_id in expected] == sorted(began.values())  # SQLite's times are whole seconds
    assert first_line["message"].startswith("place 6 in the long lane; begins when those are done")
    assert "place 7 in the long lane" in last["summary"]
    assert "1 train_classifier by contrastive of others" in last["summary"]
    assert one["summary"].partition(": place ")[2][0] in "12"
    assert not any(job_id in one["summary"] for job_id in (*many, second))


@ON_BOTH
async def test_how_long_a_kind_of_work_takes_here_is_told_from_the_jobs_that_succeeded(
    tmp_path: Path, index_url: str | None
) -> None:
    async with connected(make_settings(tmp_path, index_url=index_url)) as client:
        await made(client)
        failing = await call(client, "train_classifier", task="support", method="probe", wait_seconds=0)
        assert (await finished(client, failing["job_id"]))["status"] == "failed"
        await imported(client, "train")
        assert durable._current is not None
        latest = durable._current._table.latest
        [of_import] = latest("import_examples", 10)
        of_training = latest("train_classifier by probe", 10)

    assert of_import["seconds"] > 0
    assert of_import["size"] > 0
    assert of_training == []


async def test_a_short_job_whose_rows_have_become_many_until_its_turn_goes_to_the_long_lane(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connected(make_settings(tmp_path)) as client:
        await made(client)
        await imported(client, "train")
    async with connected(make_settings(tmp_path, jobs=())) as client:
        job = await call(client, "train_classifier", task="support", method="probe", wait_seconds=0)
    monkeypatch.setattr(work, "SHORT_BYTES", 0)
    async with connected(make_settings(tmp_path, jobs=("short",))) as client:
        await call(client, "list_jobs")
        await until(lambda: [turn.lane for turn in turns()] == ["long"])
        view = await call(client, "get_job", job_id=job["job_id"], wait_seconds=0)
    async with connected(make_settings(tmp_path, jobs=("long",))) as client:
        done = await finished(client, job["job_id"])

    assert "place 1 in the short lane" in job["summary"]
    assert view["status"] == "queued"
    assert "place 1 in the long lane" in view["summary"]
    assert done["status"] == "completed", done["error"]


async def test_a_job_that_is_moved_to_another_lane_waits_behind_those_of_its_principal_there(tmp_path: Path) -> None:
    async with connected(make_settings(tmp_path, jobs=())) as client:
        await made(client)
        long = [(await call(client, "train_classifier", TRAINING))["job_id"] for _ in range(2)]
        short = await call(client, "train_classifier", task="support", method="probe", wait_seconds=0)
        assert durable._current is not None
        status = await to_thread.run_sync(DBOS.get_workflow_status, short["job_id"])
        await to_thread.run_sync(durable._current._queue.move, status, "long", status.executor_id)
        there = await to_thread.run_sync(turns, "long")

    assert [(turn.job_id, turn.round) for turn in there] == [(long[0], 1), (long[1], 2), (short["job_id"], 3)]


async def test_a_job_that_is_cancelled_between_its_turn_and_its_start_does_not_run(tmp_path: Path) -> None:
    async with connected(make_settings(tmp_path, jobs=())) as client:
        await made(client)
        job_id = (await call(client, "train_classifier", TRAINING))["job_id"]
        await call(client, "cancel_job", job_id=job_id)
        assert durable._current is not None
        with pytest.raises(JobCancelled):
            await to_thread.run_sync(durable._current.run, job_id, "train_classifier", TRAINING, None)
        put_back, sign = durable._current._queue.put_back, durable._current._sign
        assert await to_thread.run_sync(put_back, job_id, "long", sign, lambda: False), "by another server, a look ago"


async def test_a_job_that_cannot_be_judged_at_its_start_runs_in_its_lane_and_is_no_stray_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strays: list[set[str]] = []

    def fails(*_: object) -> None:
        assert durable._current is not None
        running = contextvars.Context().run(DBOS.list_workflows, status="PENDING")
        strays.append(durable._current._rescuer.resume_strays(running, set()))
        raise StorageFailed("the workspace", "cannot be read", "Call again.")

    async with connected(make_settings(tmp_path, jobs=())) as client:
        await made(client)
        given = {"task": "support", "split": "train", "rows": rows(4), "wait_seconds": 0}
        job = await call(client, "import_examples", given)
    monkeypatch.setattr(JobQueue, "_judged", fails)
    async with connected(make_settings(tmp_path)) as client:
        view = await finished(client, job["job_id"])

    assert view["status"] == "completed", view["error"]
    assert strays == [set()]


FULL_GPU = """
import dataclasses, functools, os, sys
if "jobs.child" in " ".join(sys.orig_argv):
    from classwright_tools import submit_examples
    was, hidden = submit_examples.submit_examples, os.environ.get("CUDA_VISIBLE_DEVICES") == ""
    @functools.wraps(was)
    def call(request, context):
        try:
            if not hidden:
                raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB.")
        except RuntimeError as error:
            raise ValueError("the encoder cannot be opened") from error
        return was(request, context)
    submit_examples.TOOL = dataclasses.replace(submit_examples.TOOL, run=call)
"""


@pytest.mark.parametrize(("lane", "words"), [("short", "assignment 'x-a1': does not exist"), ("long", "incident")])
def test_a_short_job_for_which_the_gpu_has_no_room_is_run_on_the_processor(
    tmp_path: Path, lane: Lane, words: str
) -> None:
    """`sitecustomize` stands for torch on a card that is full; it works where no card is seen."""
    (tmp_path / "sitecustomize.py").write_text(FULL_GPU)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "CUDA_VISIBLE_DEVICES": "0"}
    warm = WarmProcesses()
    request = {"assignment": "x-a1", "texts": {"b1": ["t"]}}
    order = Order(run_key="r", tool_settings=ToolSettings(workspace=tmp_path), tool="submit_examples", request=request)
    try:
        outcome = ProcessPool(warm, environment, most_seconds=60).run(order, lambda _: None, lambda: False, lane)
        left = compute_processes(os.getpid())
    finally:
        warm.close()

    assert words in (outcome.error or "")
    assert left == []  # neither the one that filled the card nor the one without it stays
